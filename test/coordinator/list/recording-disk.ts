import { MemoryDisk } from './memory-disk.js';
import { PATH } from './setting.js';
import type { DiskFile } from '../../../src/coordinator/list/disk.js';

/** What one crash leaves under the list's name, and what must be read from it. */
export interface CrashPoint {
  readonly crash: 'process' | 'power';
  readonly after: string;
  readonly bytes: Buffer;
  /** It is the state after at least and at most so many records. */
  readonly least: number;
  readonly most: number;
  readonly mark: number;
}

/** Random places of the power cut after each operation. */
const POWER_CUTS = 8;

interface File {
  bytes: Buffer;
  /** So much of it a power cut leaves for certain. */
  syncedBytes: number;
}

/**
 * A disk that notes what each crash would leave: one of the process, after every operation and
 * inside every write at every byte; one of the machine, which also takes what was not synced, as
 * far as a random byte, and a rename that was not. Files of the list are only added to; what
 * another order of a disk's pages would leave is damage, which other tests are about.
 */
export class RecordingDisk extends MemoryDisk {
  readonly points: CrashPoint[] = [];
  /** Records that were handed over; of these, those answered; of these, those surely on disk. */
  asked = 0;
  answered = 0;
  synced = 0;
  /** The last generation that was given out. */
  mark = 0;
  readonly #random: () => number;
  readonly #made = new Map<string, File>();
  /** What the name may still stand for after a power cut. */
  #older: File | null = null;

  constructor(random: () => number) {
    super();
    this.#random = random;
  }

  override async create(path: string): Promise<DiskFile> {
    const file = await super.create(path);
    const made: File = { bytes: Buffer.alloc(0), syncedBytes: 0 };
    this.#made.set(path, made);
    this.#note(`create ${path}`);
    return {
      ...file,
      write: async (bytes, position) => {
        const before = made.bytes;
        const isList = this.#made.get(PATH) === made;
        for (let cut = 1; isList && cut < bytes.byteLength; cut += 1) {
          made.bytes = Buffer.concat([before.subarray(0, position), bytes.subarray(0, cut)]);
          this.#noteProcess(`${cut} bytes of a write`);
        }
        const count = await file.write(bytes, position);
        made.bytes = Buffer.concat([before.subarray(0, position), bytes.subarray(0, count)]);
        this.#note('write');
        return count;
      },
      sync: async () => {
        const bytes = made.bytes.byteLength;
        await file.sync();
        made.syncedBytes = bytes;
        this.#note('sync');
      },
    };
  }

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    const made = this.#made.get(from);
    if (made === undefined) throw new Error(`${from} was never made`);
    this.#older = this.#made.get(to) ?? null;
    this.#made.delete(from);
    this.#made.set(to, made);
    this.#note('rename');
  }

  override async syncDirectory(directory: string): Promise<void> {
    await super.syncDirectory(directory);
    this.#older = null;
    this.#note('syncDirectory');
  }

  #note(after: string): void {
    this.#noteProcess(after);
    for (const file of [this.#made.get(PATH), this.#older]) {
      if (file === undefined || file === null) continue;
      const { bytes, syncedBytes } = file;
      const unsyncedBytes = bytes.byteLength - syncedBytes;
      for (let cut = 0; cut < POWER_CUTS; cut += 1) {
        const kept = syncedBytes + Math.floor(this.#random() * (unsyncedBytes + 1));
        this.points.push({
          crash: 'power', after, bytes: bytes.subarray(0, kept), mark: this.mark,
          least: this.synced, most: this.asked,
        });
      }
    }
  }

  #noteProcess(after: string): void {
    const file = this.#made.get(PATH);
    if (file === undefined) return;
    this.points.push({
      crash: 'process', after, bytes: file.bytes, mark: this.mark,
      least: this.answered, most: this.asked,
    });
  }
}
