import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { LabError } from './host/error.js';
import { identify, isAlive, type ProcessIdentity } from './host/scratch.js';
import { cacheFolder } from './image/cache.js';

/** The lab that a person has started, as other terminals find it. */
export interface RunningLab {
  readonly owner: ProcessIdentity;
  readonly folder: string;
  /** Of node 1, 2, ...: the words of an ssh command that gets in over the kept connection. */
  readonly ssh: readonly (readonly string[])[];
}

/** Writes the state file; a `LabError` of code `BUSY` when another lab of a live owner has it. */
export function announceLab(folder: string, ssh: readonly (readonly string[])[]): void {
  const running = findLab();
  if (running !== null) {
    throw new LabError('BUSY', `a lab of pid ${running.owner.pid} runs; end it: npm run lab -- down`);
  }
  const owner = identify(process.pid);
  if (owner === null) throw new LabError('GONE', 'cannot read /proc of this process');
  mkdirSync(dirname(statePath()), { recursive: true, mode: 0o700 });
  const state: RunningLab = { owner, folder, ssh };
  writeFileSync(statePath(), JSON.stringify(state), { mode: 0o600 });
}

/** The lab that runs, or null; what a killed owner has left behind does not count. */
export function findLab(): RunningLab | null {
  let state: RunningLab;
  try {
    state = JSON.parse(readFileSync(statePath(), 'utf8')) as RunningLab;
  } catch {
    return null;
  }
  return isAlive(state.owner) ? state : null;
}

/** Removes the state file. */
export function withdrawLab(): void {
  rmSync(statePath(), { force: true });
}

function statePath(): string {
  return process.env['HOLDFAST_LAB_STATE'] ?? join(cacheFolder(), 'running.json');
}
