// Runs a command while holding an exclusive lock of the cluster: on one node at a time.
// node examples/mutex.mjs NAME COMMAND [ARGUMENT...]
//
// The lock persists when this program dies, since the command may still run: the next run on this
// node finds the orphan and adopts it. The daemon does the same with a list, a view and a say on
// owners: `holdfast run`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { openLockManager } from 'holdfast/dlm';

const [resource, command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('usage: node examples/mutex.mjs NAME COMMAND [ARGUMENT...]');
  process.exit(2);
}

const locks = openLockManager({ log: (line) => console.error(line) });
const lockspace = await locks.openLockspace('holdfast-example', {
  // Several runs of this program may share the lockspace on one node.
  awaitPredecessors: false,
});
try {
  const id = await adoptOrTake();
  const [code] = await once(spawn(command, args, { stdio: 'inherit' }), 'exit');
  await lockspace.unlock(id);
  process.exitCode = code ?? 1;
} finally {
  await locks.close();
}

async function adoptOrTake() {
  try {
    return await lockspace.adopt({ resource, mode: 'EX' });
  } catch (error) {
    // OTHER_MODE: a run that was killed while it waited left an orphan in NL, which excludes nobody.
    if (error.code !== 'NO_ORPHAN' && error.code !== 'OTHER_MODE') throw error;
  }
  const take = lockspace.take({ resource, mode: 'EX', wait: true });
  await take.granted;
  return take.id;
}
