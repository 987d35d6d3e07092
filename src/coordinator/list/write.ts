import type { DiskFile } from './disk.js';

/** Writes all of it at that offset, also when the disk takes it in parts. */
export async function writeAll(
  file: DiskFile,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const count = await file.write(bytes.subarray(done), position + done);
    if (count <= 0) throw new Error('the disk took none of the bytes, and named no reason');
    done += count;
  }
}
