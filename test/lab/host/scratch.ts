import {
  mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LabError } from './error.js';

/** The identity of a process for as long as the machine runs: a pid alone is used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot. */
  readonly startTicks: string;
}

const OWNER = 'owner.json';
const YOUNG_MS = 60_000;

/**
 * A new folder of this run under the temporary folder, which names its owner, so that a later run
 * can tell a folder in use from one that a killed run has left behind. Sweeps the latter first.
 */
export function createScratch(kind: string): string {
  const user = process.getuid?.() ?? 0;
  const parent = join(tmpdir(), `holdfast-${kind}-${user}`);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  if (statSync(parent).uid !== user) {
    throw new LabError('BUSY', `${parent} belongs to somebody else; set TMPDIR to another folder`);
  }
  sweepScratch(parent);
  const folder = mkdtempSync(join(parent, 'run-'));
  const owner: ProcessIdentity = identify(process.pid) ?? { pid: process.pid, startTicks: '' };
  writeFileSync(join(folder, OWNER), JSON.stringify(owner));
  return folder;
}

/** Removes what this process made; safe to call twice. */
export function removeScratch(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The identity of a live process, or null when there is none of that pid (or only a zombie). */
export function identify(pid: number): ProcessIdentity | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The name, field 2, may contain spaces and parentheses: count from its last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (startTicks === undefined || fields[0] === 'Z') return null;
  return { pid, startTicks };
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** Removes the folders under `parent` whose owner is dead, and gives their names. */
export function sweepScratch(parent: string): string[] {
  const removed: string[] = [];
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name);
    const owner = ownerOf(folder);
    if (owner !== null && isAlive(owner)) continue;
    // A folder without an owner may be one that another run is just making.
    if (owner === null && (!name.startsWith('run-') || isYoung(folder))) continue;
    rmSync(folder, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

function ownerOf(folder: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(join(folder, OWNER), 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}

function isYoung(folder: string): boolean {
  const status = statSync(folder, { throwIfNoEntry: false });
  return status !== undefined && Date.now() - status.mtimeMs < YOUNG_MS;
}
