/**
 * One process of the conformance suite in a guest: opens the lockspace named by its argument and
 * does what lines of JSON on stdin ask, `{op, call, id, ...}`; answers `{op, code, value}`. Locks
 * go by the caller's numbers. Blocking notices come as `{blocking: MODE}`.
 */
import { createInterface } from 'node:readline';
import { DlmError, openLockManager } from '../../src/dlm/index.js';
import type { LockId, LockMode } from '../../src/dlm/index.js';

interface Call {
  readonly op: number;
  readonly call: string;
  readonly id: number;
  readonly resource: string;
  readonly mode: LockMode;
  readonly wait: boolean;
}

const name = process.argv[2] ?? 'test';
const manager = openLockManager({ log: (message) => console.error(message) });
const lockspace = await manager.openLockspace(name);
const ids = new Map<number, LockId>();

lockspace.on('blocking', (_id, mode) => say({ blocking: mode }));
say({ op: 0, code: 'ok', value: process.pid });
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const call = JSON.parse(line) as Call;
  run(call).then(
    (value) => say({ op: call.op, code: 'ok', value: value ?? null }),
    (error: unknown) => say({
      op: call.op, code: error instanceof DlmError ? error.code : 'BUG', value: String(error),
    }),
  );
});
lines.on('close', () => void manager.close());

function run({ call, id, resource, mode, wait }: Call): Promise<unknown> {
  const known = ids.get(id) ?? (0 as LockId);
  switch (call) {
    case 'take': {
      const taken = lockspace.take({ resource, mode, wait });
      ids.set(id, taken.id);
      return taken.granted;
    }
    case 'adopt':
      return lockspace.adopt({ resource, mode }).then((adopted) => {
        ids.set(id, adopted);
      });
    case 'convert': return lockspace.convert(known, { mode, wait });
    case 'cancel': return lockspace.cancel(known);
    case 'unlock': return lockspace.unlock(known);
    case 'localLocks': return lockspace.localLocks();
    case 'release': return lockspace.release();
    case 'close': return lockspace.close();
    case 'state': return manager.lockspaceState(name);
    default: throw new Error(`no call is named ${call}`);
  }
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
