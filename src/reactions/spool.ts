import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import type { ReactionEvent } from './event.js';

/** A reaction that is due: an event, and which of the configured commands is to run for it. */
export interface Due {
  readonly event: ReactionEvent;
  /** Tells the reaction apart from the others of the file, also after a change of the file. */
  readonly command: readonly string[];
}

/** How many may be due at a time; what comes beyond that is refused. */
export const DUE_MAX = 4_096;
const NAME = /^[0-9a-f]{32}-\d+-\d+\.json$/;

/**
 * The directory in which each due reaction has a file until its command has succeeded or was given
 * up, so that a restart of the daemon neither forgets nor, when it was done, repeats it.
 *
 * Not synced: a crash of the machine ends what the events were about too.
 */
export class Spool {
  readonly #directory: string;
  readonly #log: (message: string) => void;

  constructor(directory: string, log: (message: string) => void) {
    this.#directory = directory;
    this.#log = log;
  }

  /**
   * What an earlier run left, oldest first. Files that cannot be understood are renamed and told.
   *
   * @param create whether to make the directory when it does not exist
   * @throws what the file system throws
   */
  async open(create: boolean): Promise<readonly { readonly name: string; readonly due: Due }[]> {
    if (create) await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const names = (await this.#list()).filter((name) => NAME.test(name));
    const found: { readonly name: string; readonly due: Due }[] = [];
    for (const name of names.slice(0, DUE_MAX)) {
      const path = join(this.#directory, name);
      const text = await readFile(path, 'utf8');
      const due = parseDue(text);
      if (due !== null) found.push({ name, due });
      else {
        await rename(path, `${path}.damaged`);
        this.#log(`${path} cannot be understood; it is kept as ${path}.damaged`);
      }
    }
    return found.sort((one, other) => order(one.due, other.due));
  }

  async #list(): Promise<readonly string[]> {
    try {
      return await readdir(this.#directory);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  /** Resolves when write(2) has returned. @throws what the file system throws */
  async add(name: string, due: Due): Promise<void> {
    const path = join(this.#directory, name);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(due));
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  /** The reaction is done with. A file that cannot be removed is told: it would run again. */
  async remove(name: string): Promise<void> {
    try {
      await unlink(join(this.#directory, name));
    } catch (error) {
      this.#log(`${name} cannot be removed and will run again at the next start: ${messageOf(error)}`);
    }
  }
}

/** The name of the file for the reaction of that index to an event. */
export function nameOf(event: ReactionEvent, index: number): string {
  return `${event.id}-${index}.json`;
}

function order(one: Due, other: Due): number {
  if (one.event.at !== other.event.at) return one.event.at < other.event.at ? -1 : 1;
  return countOf(one) - countOf(other);
}

function countOf({ event }: Due): number {
  return Number(event.id.split('-')[1] ?? 0);
}

/** Only what we wrote ourselves; null when it is not that. */
function parseDue(text: string): Due | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  return isDue(parsed) ? parsed : null;
}

function isDue(value: unknown): value is Due {
  if (typeof value !== 'object' || value === null) return false;
  if (!('event' in value) || !('command' in value)) return false;
  const { event, command } = value;
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string')) return false;
  if (typeof event !== 'object' || event === null) return false;
  return 'id' in event && typeof event.id === 'string' && 'event' in event && 'at' in event
    && typeof event.at === 'string' && 'node' in event && 'lock' in event;
}
