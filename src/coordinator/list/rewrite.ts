import { dirname } from 'node:path';

import { messageOf } from '../../errors.js';
import type { DiskFile, ListDisk } from './disk.js';
import { errnoOf } from './error.js';
import { writeAll } from './write.js';
import type { ListLog } from './port.js';

/** Lines that may be appended while a rewrite is prepared; beyond that it is given up. */
export const FOLLOWED_LINES_MAX = 100_000;
/** Names to try for a file that is kept aside: two of one millisecond are rare. */
const ASIDE_NAMES_MAX = 10;

/** What a rewrite put in place. */
export interface Rewritten {
  readonly file: DiskFile;
  readonly size: number;
  readonly lines: number;
  /** False when records that came in meanwhile are written but not yet synced. */
  readonly synced: boolean;
  /** Why the rename may not survive a power cut; null when it will. */
  readonly failure: Error | null;
}

export interface RewriterParts {
  readonly disk: ListDisk;
  readonly path: string;
  readonly log: ListLog;
  /** The lines that every rewrite begins with: the header and what is kept for newer versions. */
  readonly head: readonly string[];
  /** Keep the file that is there under this name before the first rewrite replaces it. */
  readonly aside: string | null;
}

/**
 * Replaces the list's file as a whole: a new file beside it is written, synced, renamed over it,
 * and the directory synced. At every moment the name stands for one complete list.
 */
export class Rewriter {
  readonly #parts: RewriterParts;
  #keptAside: string | null = null;

  constructor(parts: RewriterParts) {
    this.#parts = parts;
  }

  /** Where the earlier file is kept; null when that was not asked for or has not succeeded. */
  get keptAside(): string | null {
    return this.#keptAside;
  }

  /** Begins a rewrite to these lines. Only one may be under way. */
  start(lines: readonly string[]): Rewriting {
    return new Rewriting(this.#parts, lines, () => this.#keepAside());
  }

  /** A second name for the same file needs no space, so it works on a full disk too. */
  async #keepAside(): Promise<void> {
    const { aside, disk, path } = this.#parts;
    if (aside === null || this.#keptAside !== null) return;
    for (let number = 1; number <= ASIDE_NAMES_MAX; number += 1) {
      const name = number === 1 ? aside : `${aside}-${number}`;
      try {
        await disk.link(path, name);
        this.#keptAside = name;
        return;
      } catch (thrown) {
        if (errnoOf(thrown) !== 'EEXIST' || number === ASIDE_NAMES_MAX) throw thrown;
      }
    }
  }
}

/** One rewrite: prepared beside the appends, then finished between two of them. */
export class Rewriting {
  /** Resolves when all but what came in since is on disk; rejects with the disk's error. */
  readonly ready: Promise<void>;
  readonly #parts: RewriterParts;
  readonly #keepAside: () => Promise<void>;
  readonly #temporary: string;
  #file: DiskFile | null = null;
  #prepared = false;
  #size = 0;
  #lines: number;
  /** Lines that were appended to the old file since this began. */
  #followed: string[] = [];
  /** Whether one of them is synced in the old file: then it must be so in the new one, too. */
  #followsDurable = false;
  #overrun = false;

  constructor(parts: RewriterParts, lines: readonly string[], keepAside: () => Promise<void>) {
    this.#parts = parts;
    this.#keepAside = keepAside;
    this.#temporary = `${parts.path}.new`;
    this.#lines = lines.length;
    this.ready = this.#prepare([...parts.head, ...lines]);
    // Whoever waits sees the rejection; nobody may be waiting yet.
    this.ready.catch((thrown: unknown) => {
      parts.log.warn(`writing ${this.#temporary}: ${messageOf(thrown)}`);
    });
  }

  get prepared(): boolean {
    return this.#prepared;
  }

  /**
   * Takes over what was appended to the old file meanwhile. `durable`: what the old file has on
   * disk for good must not be lost by the new one's taking its name.
   */
  follow(lines: readonly string[], durable: boolean): void {
    this.#followsDurable ||= durable;
    this.#overrun ||= this.#followed.length + lines.length > FOLLOWED_LINES_MAX;
    if (this.#overrun) this.#followed = [];
    else this.#followed.push(...lines);
  }

  /**
   * Puts the prepared file in place. Nothing may be appended before it has settled. It rejects
   * only if the old file is still the one of that name.
   */
  async finish(): Promise<Rewritten> {
    const { disk, path } = this.#parts;
    const file = this.#file;
    if (file === null) throw new Error('a rewrite was finished before it was prepared');
    try {
      if (this.#overrun) throw new Error('too much was appended while it was rewritten');
      await this.#write(file, this.#followed);
      if (this.#followsDurable) await file.sync();
      await this.#keepAside();
      await disk.rename(this.#temporary, path);
    } catch (thrown) {
      await this.abandon();
      throw thrown;
    }
    const failure = await disk.syncDirectory(dirname(path)).then(() => null, asError);
    const lines = this.#lines + this.#followed.length;
    const synced = this.#followed.length === 0 || this.#followsDurable;
    return { file, size: this.#size, lines, synced, failure };
  }

  /** Gives up, and removes the file beside the list. Never rejects. */
  async abandon(): Promise<void> {
    try {
      await this.ready;
      await this.#file?.close();
      await this.#parts.disk.remove(this.#temporary);
    } catch (thrown) {
      this.#parts.log.warn(`giving up ${this.#temporary}: ${messageOf(thrown)}`);
    }
  }

  async #prepare(lines: readonly string[]): Promise<void> {
    const file = await this.#parts.disk.create(this.#temporary);
    try {
      await this.#write(file, lines);
      await file.sync();
    } catch (thrown) {
      await this.#discard(file);
      throw thrown;
    }
    this.#file = file;
    this.#prepared = true;
  }

  /** What is left of it would take up the space that is missing. Never rejects. */
  async #discard(file: DiskFile): Promise<void> {
    try {
      await file.close();
      await this.#parts.disk.remove(this.#temporary);
    } catch (thrown) {
      this.#parts.log.warn(`removing ${this.#temporary}: ${messageOf(thrown)}`);
    }
  }

  async #write(file: DiskFile, lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    await writeAll(file, bytes, this.#size);
    this.#size += bytes.byteLength;
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
