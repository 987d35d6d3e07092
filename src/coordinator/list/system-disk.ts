import { constants } from 'node:fs';
import { link, open, rename, unlink, type FileHandle } from 'node:fs/promises';

import { claimDirectory } from './claim.js';
import { prepareDirectory, syncDirectory } from './directory.js';
import type { DiskFile, ListDisk } from './disk.js';

const FILE_MODE = 0o600;

/** The machine's own file system. */
export const systemDisk: ListDisk = {
  async claim(directory) {
    await prepareDirectory(directory);
    return await claimDirectory(directory);
  },

  async read(path, bytesMax) {
    let file: FileHandle;
    try {
      file = await open(path, constants.O_RDONLY);
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
      throw thrown;
    }
    try {
      const { size } = await file.stat();
      if (size > bytesMax) {
        const text = `EFBIG: ${path} has ${size} bytes, more than the ${bytesMax} allowed`;
        throw Object.assign(new Error(text), { code: 'EFBIG' });
      }
      return await file.readFile();
    } finally {
      await file.close();
    }
  },

  async create(path) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
    const file = await open(path, flags | constants.O_NOFOLLOW, FILE_MODE);
    // One of that name may have been left with other permissions.
    await file.chmod(FILE_MODE);
    return new SystemFile(file);
  },

  rename,
  link,
  remove: unlink,

  syncDirectory,
};

class SystemFile implements DiskFile {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    const { bytesWritten } = await this.#file.write(bytes, 0, bytes.byteLength, position);
    return bytesWritten;
  }

  truncate(bytes: number): Promise<void> {
    return this.#file.truncate(bytes);
  }

  async sync(): Promise<void> {
    await this.#file.datasync();
    const { nlink } = await this.#file.stat();
    if (nlink > 0) return;
    const text = 'ENOENT: the file was synced, but somebody has removed its name';
    throw Object.assign(new Error(text), { code: 'ENOENT' });
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
