import type { DiskFile, ListDisk } from '../../../src/coordinator/list/disk.js';

/** What is wrong with a node's disk just now. */
export interface Trouble {
  /** Every call takes so long, in ms. */
  delayMs: number;
  /** Every call that changes something fails with that; null: none does. */
  failure: 'EIO' | 'ENOSPC' | null;
}

/** The same disk, as slow and as broken as `trouble` says at the time of each call. */
export function troubledDisk(
  disk: ListDisk, trouble: Trouble, wait: (ms: number) => Promise<void>,
): ListDisk {
  const suffer = async (isChange: boolean): Promise<void> => {
    if (trouble.delayMs > 0) await wait(trouble.delayMs);
    const { failure } = trouble;
    if (failure === null || !isChange) return;
    throw Object.assign(new Error(`${failure}: the simulated disk`), { code: failure });
  };
  const after = async <Result>(isChange: boolean, call: () => Promise<Result>): Promise<Result> => {
    await suffer(isChange);
    return call();
  };
  const file = (inner: DiskFile): DiskFile => ({
    write: (bytes, position) => after(true, () => inner.write(bytes, position)),
    truncate: (bytes) => after(true, () => inner.truncate(bytes)),
    sync: () => after(true, () => inner.sync()),
    close: () => inner.close(),
  });
  return {
    claim: (directory) => disk.claim(directory),
    read: (path, bytesMax) => after(false, () => disk.read(path, bytesMax)),
    create: (path) => after(true, async () => file(await disk.create(path))),
    rename: (from, to) => after(true, () => disk.rename(from, to)),
    link: (existing, added) => after(true, () => disk.link(existing, added)),
    remove: (path) => after(true, () => disk.remove(path)),
    syncDirectory: (directory) => after(true, () => disk.syncDirectory(directory)),
  };
}
