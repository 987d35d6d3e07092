import type { DiskFile, ListDisk } from '../../../src/coordinator/list/disk.js';
import { ListError } from '../../../src/coordinator/list/error.js';

type Operation = 'write' | 'truncate' | 'sync' | 'create' | 'rename' | 'link' | 'syncDirectory';

interface Inode {
  bytes: Buffer;
}

/** Files in memory, where each operation can be made to fail, to stop halfway, or to wait. */
export class MemoryDisk implements ListDisk {
  readonly files = new Map<string, Inode>();
  readonly done: string[] = [];
  /** The same, also of those that wait or fail. */
  readonly begun: string[] = [];
  /** How many more bytes can be written before ENOSPC. */
  spaceBytes = Number.POSITIVE_INFINITY;
  /** How many bytes one write takes at most. */
  writeBytesMax = Number.POSITIVE_INFINITY;
  /** An errno for operations that shall fail now. */
  readonly failing = new Map<Operation, string>();
  /** What an operation waits for before it begins. */
  readonly gates = new Map<Operation, Promise<void>>();
  readonly #failingOnce = new Map<Operation, string>();
  #claimed = false;

  claim(directory: string) {
    if (this.#claimed) return Promise.reject(new ListError('IN_USE', `${directory} is claimed`));
    this.#claimed = true;
    const release = () => {
      this.#claimed = false;
      return Promise.resolve();
    };
    return Promise.resolve({ release });
  }

  read(path: string) {
    const inode = this.files.get(path);
    return Promise.resolve(inode === undefined ? null : Buffer.from(inode.bytes));
  }

  async create(path: string): Promise<DiskFile> {
    await this.#begin('create', path);
    const inode: Inode = { bytes: Buffer.alloc(0) };
    this.files.set(path, inode);
    return {
      write: async (bytes, position) => {
        await this.#begin('write', path);
        if (bytes.byteLength > 0 && this.spaceBytes === 0) throw errorOf('ENOSPC', 'write');
        const count = Math.min(bytes.byteLength, this.spaceBytes, this.writeBytesMax);
        this.spaceBytes -= count;
        const head = inode.bytes.subarray(0, position);
        inode.bytes = Buffer.concat([head, Buffer.from(bytes.subarray(0, count))]);
        return count;
      },
      truncate: async (size) => {
        await this.#begin('truncate', path);
        this.spaceBytes += inode.bytes.byteLength - size;
        inode.bytes = inode.bytes.subarray(0, size);
      },
      sync: () => this.#begin('sync', path),
      close: () => Promise.resolve(),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin('rename', from);
    const inode = this.files.get(from);
    if (inode === undefined) throw errorOf('ENOENT', 'rename');
    this.files.delete(from);
    this.files.set(to, inode);
  }

  async link(existing: string, added: string): Promise<void> {
    await this.#begin('link', existing);
    const inode = this.files.get(existing);
    if (inode === undefined) throw errorOf('ENOENT', 'link');
    if (this.files.has(added)) throw errorOf('EEXIST', 'link');
    this.files.set(added, inode);
  }

  remove(path: string): Promise<void> {
    return this.files.delete(path)
      ? Promise.resolve()
      : Promise.reject(errorOf('ENOENT', 'remove'));
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#begin('syncDirectory', directory);
  }

  /** The next of these operations fails, later ones do not. */
  failOnce(operation: Operation, errno: string): void {
    this.#failingOnce.set(operation, errno);
  }

  text(path: string): string {
    return this.files.get(path)?.bytes.toString() ?? '';
  }

  put(path: string, content: string | Buffer): void {
    this.files.set(path, { bytes: Buffer.from(content) });
  }

  async #begin(operation: Operation, path: string): Promise<void> {
    this.begun.push(`${operation} ${path}`);
    await this.gates.get(operation);
    const errno = this.#failingOnce.get(operation) ?? this.failing.get(operation);
    this.#failingOnce.delete(operation);
    if (errno !== undefined) throw errorOf(errno, operation);
    this.done.push(`${operation} ${path}`);
  }
}

function errorOf(code: string, operation: string): Error {
  return Object.assign(new Error(`${code}: ${operation} (made to fail)`), { code });
}
