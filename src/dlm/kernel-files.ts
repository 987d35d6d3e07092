import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Lane } from '../native/lane.js';
import { FreshRun } from './fresh-run.js';

/** Largest file of debugfs that is made use of, in bytes: some 300,000 locks. */
export const DEBUG_BYTES_MAX = 32 << 20;

/** Files of /proc that are read side by side. */
const READS_MAX = 64;

/** Where the kernel's files are; other places only in tests. */
export interface KernelRoots {
  readonly sys: string;
  readonly proc: string;
}

export const KERNEL_ROOTS: KernelRoots = { sys: '/sys', proc: '/proc' };

/** What a thread is to a lockspace, as far as /proc tells. */
export type ThreadLife = 'gone' | 'alive';

/**
 * Reads what the kernel shows of its lockspaces. None of these files waits for recovery, so they
 * answer while libdlm hangs. @see Documentation/filesystems/dlmfs.rst, fs/dlm/lockspace.c
 */
export class KernelFiles {
  readonly #roots: KernelRoots;
  readonly #tables = new Map<string, FreshRun<Buffer>>();
  readonly #debugLane = new Lane();

  constructor(roots: KernelRoots = KERNEL_ROOTS) {
    this.#roots = roots;
  }

  /** True while this kernel has the lockspace, whoever still uses it. */
  async hasLockspace(name: string): Promise<boolean> {
    return await orNull(stat(join(this.#roots.sys, 'kernel/dlm', name))) !== null;
  }

  /**
   * The bits of the recovery that the kernel has reached (DLM_RS_*), or null when it cannot be
   * read. They are cleared when the lockspace stops, and complete again when it has recovered.
   */
  async recoverStatus(name: string): Promise<number | null> {
    const path = join(this.#roots.sys, 'kernel/dlm', name, 'recover_status');
    const text = await orNull(readFile(path, 'latin1'));
    const bits = text === null ? Number.NaN : Number.parseInt(text, 16);
    return Number.isNaN(bits) ? null : bits;
  }

  /** The members that dlm_controld has set for the kernel, ascending; null when not readable. */
  async configuredMembers(name: string): Promise<readonly number[] | null> {
    const path = join(this.#roots.sys, 'kernel/config/dlm/cluster/spaces', name, 'nodes');
    const entries = await orNull(readdir(path));
    return entries === null
      ? null
      : entries.map(Number).filter(Number.isSafeInteger).sort((a, b) => a - b);
  }

  /**
   * A table of the lockspace in debugfs. Rejects with the error of open(2) or read(2).
   *
   * Hazard: in a kernel whose DLM has died with a resource in its hands, reading never ends. One
   * table is read at a time, so that it costs one thread of libuv's pool and not all four, without
   * which no file could be written any more.
   */
  debugFile(name: string, table: 'locks' | 'all' | 'waiters'): Promise<Buffer> {
    const path = join(this.#roots.sys, 'kernel/debug/dlm', `${name}_${table}`);
    let run = this.#tables.get(path);
    if (run === undefined) {
      run = new FreshRun(() => this.#debugLane.run(() => readFile(path)));
      this.#tables.set(path, run);
    }
    return run.ask();
  }

  /**
   * Whether a thread may still own locks of this lockspace: it exists, or a sibling of its process
   * does, which keeps the files open. A pid that was given to a process without the lockspace's
   * device counts as gone; a process that is just ending counts as alive.
   */
  async threadLife(pid: number, lockspace: string): Promise<ThreadLife> {
    const process = join(this.#roots.proc, String(pid));
    const tasks = await orNull(readdir(join(process, 'task')));
    if (tasks === null) {
      return 'gone';
    }
    const states = await Promise.all(
      tasks.map((task) => orNull(readFile(join(process, 'task', task, 'stat'), 'latin1'))),
    );
    if (!states.some((line) => line !== null && /^[^ZX]$/.test(stateOf(line)))) {
      return 'gone';
    }
    const files = await orNull(readdir(join(process, 'fd')));
    if (files === null || files.length === 0) {
      return 'alive';
    }
    const links = await Promise.all(files.map((fd) => orNull(readlink(join(process, 'fd', fd)))));
    return links.some((link) => link?.endsWith(`/dlm_${lockspace}`)) ? 'alive' : 'gone';
  }

  /** Processes of this node that have the lockspace's device open, as far as they may be seen. */
  async openers(lockspace: string): Promise<readonly number[]> {
    const openers: number[] = [];
    for (const pid of await this.#pids()) {
      if (await this.#hasOpen(pid, lockspace)) {
        openers.push(pid);
      }
    }
    return openers;
  }

  /** Processes of this node with that short name. */
  async namesakes(name: string): Promise<readonly number[]> {
    const found: number[] = [];
    const pids = await this.#pids();
    for (let at = 0; at < pids.length; at += READS_MAX) {
      const slice = pids.slice(at, at + READS_MAX);
      const names = await Promise.all(slice.map((pid) => this.commandName(pid)));
      found.push(...slice.filter((_pid, index) => names[index] === name));
    }
    return found;
  }

  async #pids(): Promise<readonly number[]> {
    const entries = await orNull(readdir(this.#roots.proc)) ?? [];
    return entries.filter((entry) => /^[0-9]+$/.test(entry)).map(Number);
  }

  async #hasOpen(pid: number, lockspace: string): Promise<boolean> {
    const folder = join(this.#roots.proc, String(pid), 'fd');
    const files = await orNull(readdir(folder)) ?? [];
    const links = await Promise.all(files.map((fd) => orNull(readlink(join(folder, fd)))));
    return links.some((link) => link?.endsWith(`/dlm_${lockspace}`));
  }

  /**
   * Whether the process that started this one is gone, for one that was started by another run of
   * the same program: a process without its parent is given to another, such as init.
   */
  async hasLostParent(pid: number): Promise<boolean> {
    const line = await orNull(readFile(join(this.#roots.proc, String(pid), 'stat'), 'latin1'));
    if (line === null) return true;
    const programs = await Promise.all([String(pid), parentOf(line)].map(async (one) => {
      const program = await orNull(readlink(join(this.#roots.proc, one, 'exe')));
      // As the kernel marks one that was replaced by an upgrade.
      return program?.replace(/ \(deleted\)$/, '') ?? null;
    }));
    // A process that is just ending has no program any more.
    return programs[0] === null || programs[0] !== programs[1];
  }

  /** The state letter of a process, or null when it is gone. @see proc(5), field 3 of stat */
  async processState(pid: number): Promise<string | null> {
    const line = await orNull(readFile(join(this.#roots.proc, String(pid), 'stat'), 'latin1'));
    return line === null ? null : stateOf(line);
  }

  /** The kernel function a process sleeps in; null when it runs or the kernel does not say. */
  async waitChannel(pid: number): Promise<string | null> {
    const name = await orNull(readFile(join(this.#roots.proc, String(pid), 'wchan'), 'latin1'));
    return name === null || name === '0' || name === '' ? null : name.trim();
  }

  /** The short name of a process, or null when there is none of that pid. @see proc(5), comm */
  async commandName(pid: number): Promise<string | null> {
    const text = await orNull(readFile(join(this.#roots.proc, String(pid), 'comm'), 'utf8'));
    return text === null ? null : text.trimEnd();
  }
}

/** Field 3 of /proc/PID/stat; the name before it may itself hold spaces and parentheses. */
function stateOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
}

/** Field 4 of /proc/PID/stat. */
function parentOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '';
}

/** Null for a file that is not there or not ours to read: each caller says what that means. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) {
      return null;
    }
    throw thrown;
  }
}
