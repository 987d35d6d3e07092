import { constants } from 'node:fs';
import { link, mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { claimDirectory } from './claim.js';
import type { DiskFile, ListDisk } from './disk.js';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** The machine's own file system. */
export const systemDisk: ListDisk = {
  async claim(directory) {
    const first = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    if (first !== undefined) await syncNames(dirname(first), resolve(directory));
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

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes new directories durable: from `top`, which is older, down to the parent of `bottom`. */
async function syncNames(top: string, bottom: string): Promise<void> {
  for (let directory = dirname(bottom); ; directory = dirname(directory)) {
    await syncDirectory(directory);
    if (directory === top || directory === dirname(directory)) return;
  }
}

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

  sync(): Promise<void> {
    return this.#file.datasync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
