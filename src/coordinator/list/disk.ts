/** A file that is being written. */
export interface DiskFile {
  /**
   * Writes at that byte offset, and resolves with how many bytes went out: a disk that fills up
   * takes a part. @see pwrite(2)
   */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** @see ftruncate(2) */
  truncate(bytes: number): Promise<void>;
  /** Rejects with ENOENT, too, when nothing can find the file any more. @see fdatasync(2) */
  sync(): Promise<void>;
  /** Waits for what is under way on this file. */
  close(): Promise<void>;
}

/** The right to write in one directory. It ends with the process, however that ends. */
export interface DiskClaim {
  release(): Promise<void>;
}

/**
 * The few file operations that the lock list needs, so that tests can make each of them fail.
 * Every method rejects with an Error that carries an errno name in `code`, except where said.
 */
export interface ListDisk {
  /** Creates the directory (0700) and claims it; ListError `IN_USE` or `CLAIM_FAILED`. */
  claim(directory: string): Promise<DiskClaim>;
  /** The whole file, null when there is none; EFBIG when it is longer than `bytesMax`. */
  read(path: string, bytesMax: number): Promise<Uint8Array | null>;
  /** A new, empty file (0600) of that name, whatever was there before. */
  create(path: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** A second name for the same file; EEXIST when that name is taken. */
  link(existing: string, added: string): Promise<void>;
  /** Removes the name; ENOENT when there is none. */
  remove(path: string): Promise<void>;
  /** Makes renames in this directory durable. @see fsync(2) */
  syncDirectory(directory: string): Promise<void>;
}
