import { Batches } from '../../../src/cpg/channel/batch.js';
import { Splitter } from '../../../src/cpg/channel/splitter.js';

export const FRAME_BYTES_MAX = 1_000;

/** A batch of these messages. */
export function batchFrame(messages: readonly Uint8Array[], sequence: number): Uint8Array {
  const batch = new Batches(1 << 20, 1 << 20).create();
  for (const message of messages) batch.add(message);
  return Uint8Array.from(batch.frame(sequence));
}

/** The chunks of a message; `message` is its number. */
export function chunkFrames(
  payload: Uint8Array, { message, sequence, chunkBytes }:
    { readonly message: number; readonly sequence: number; readonly chunkBytes: number },
): readonly Uint8Array[] {
  const splitter = new Splitter(chunkBytes, 1 << 20);
  let large = splitter.begin(payload, null);
  for (let number = 1; number < message; number += 1) large = splitter.begin(payload, null);
  const frames: Uint8Array[] = [];
  while (large.sentBytes < payload.length) {
    frames.push(Uint8Array.from(splitter.next(large, sequence + frames.length)));
  }
  return frames;
}
