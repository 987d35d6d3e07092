import { once } from 'node:events';

import { BoundChild } from '../host/bound-child.js';
import { LabError } from '../host/error.js';

const WAIT_SECONDS = 900;

/**
 * Runs `work` while this process holds the lock file, waiting for others up to a quarter of an
 * hour. flock(1) holds it in a child that dies with us, so a killed builder blocks nobody.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const command = ['sh', '-c', 'echo held; exec cat >/dev/null'];
  // --no-fork: the process that holds the lock is the one that we can kill.
  const args = ['--no-fork', '--wait', String(WAIT_SECONDS), path, ...command];
  const holder = BoundChild.start('flock', args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const { stdout } = holder.process;
    if (stdout === null) throw new LabError('BUSY', 'flock has no output to read');
    await Promise.race([once(stdout, 'data'), once(holder.process, 'exit')]);
    if (!holder.alive) {
      throw new LabError('BUSY', `no lock on ${path} within ${WAIT_SECONDS} s: ${holder.ending}`);
    }
    return await work();
  } finally {
    await holder.end();
  }
}
