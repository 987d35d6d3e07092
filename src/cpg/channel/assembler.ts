import type { Member } from '../port.js';
import type { Chunk } from './frame.js';

/**
 * Why a large message of a sender will not arrive here.
 * `too-big`: it announced more than `messageBytesMax`. `memory`: the incomplete messages of all
 * senders would take more than `assemblyBytesMax`. `no-start`: its first chunk was not seen here,
 * since this process joined later, or a view ended it. `gap`, `duplicate`: a chunk was not the next
 * one. `superseded`: the sender began something else. `aborted`: the sender gave it up.
 * `left`: the sender left, died, or was on a node that left the ring. `disconnected`: this
 * process lost its connection.
 */
export type RejectReason =
  | 'too-big' | 'memory' | 'no-start' | 'gap' | 'duplicate' | 'superseded' | 'aborted' | 'left'
  | 'disconnected';

/** A large message that was given up. `receivedBytes` of `totalBytes` had come. */
export interface Rejection {
  readonly reason: RejectReason;
  readonly totalBytes: number;
  readonly receivedBytes: number;
}

interface AssemblerLimits {
  readonly messageBytesMax: number;
  readonly assemblyBytesMax: number;
  readonly sendersMax: number;
}

/** What a sender is at. A message is refused once; the rest of its chunks is then expected. */
type Progress =
  | { readonly kind: 'receiving'; readonly from: Member; readonly message: number;
      readonly buffer: Uint8Array; received: number }
  | { readonly kind: 'refused'; readonly from: Member; readonly message: number };

/**
 * Puts large messages together, one at a time for each sender. The memory of a message is taken
 * when its first chunk comes, all of it, so that no message fails in the middle for want of it and
 * members with the same history and the same bounds decide alike.
 */
export class Assembler {
  readonly #limits: AssemblerLimits;
  readonly #rejected: (from: Member, rejection: Rejection) => void;
  readonly #progress = new Map<string, Progress>();
  #bytes = 0;

  /** `rejected` is told of every message that is given up, once. */
  constructor(
    limits: AssemblerLimits, rejected: (from: Member, rejection: Rejection) => void,
  ) {
    this.#limits = limits;
    this.#rejected = rejected;
  }

  /** Memory taken by incomplete messages; never more than `assemblyBytesMax`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Senders kept track of; never more than `sendersMax`. */
  get senders(): number {
    return this.#progress.size;
  }

  /** Gives the message when this chunk completes it; it is the caller's. */
  take(from: Member, chunk: Chunk): Uint8Array | null {
    const current = this.#progress.get(keyOf(from));
    if (current === undefined || current.message !== chunk.message) return this.#start(from, chunk);
    if (current.kind === 'refused') return null;
    const { buffer, received } = current;
    if (chunk.offset !== received || chunk.totalBytes !== buffer.length) {
      this.drop(from, chunk.offset < received ? 'duplicate' : 'gap');
      this.#keepRefused(from, chunk);
      return null;
    }
    buffer.set(chunk.data, received);
    current.received += chunk.data.length;
    return current.received < buffer.length ? null : this.#complete(from, buffer);
  }

  /** The sender has no message under way any more. */
  drop(from: Member, reason: RejectReason): void {
    const key = keyOf(from);
    const current = this.#progress.get(key);
    this.#progress.delete(key);
    if (current?.kind !== 'receiving') return;
    const { buffer, received } = current;
    this.#bytes -= buffer.length;
    this.#rejected(from, { reason, totalBytes: buffer.length, receivedBytes: received });
  }

  /**
   * The sender has given up that message. It may be another one by now: with the tail of the former
   * lost, the head of the next was on its way already.
   */
  abort(from: Member, message: number): void {
    if (this.#progress.get(keyOf(from))?.message === message) this.drop(from, 'aborted');
  }

  /** Drops everything of senders of whom `isGone` says so. */
  dropWhere(isGone: (from: Member) => boolean, reason: RejectReason): void {
    for (const { from } of [...this.#progress.values()]) if (isGone(from)) this.drop(from, reason);
  }

  #start(from: Member, chunk: Chunk): Uint8Array | null {
    this.drop(from, 'superseded');
    if (chunk.offset !== 0) return this.#refuse(from, chunk, 'no-start');
    if (chunk.totalBytes > this.#limits.messageBytesMax) {
      return this.#refuse(from, chunk, 'too-big');
    }
    const buffer = this.#allocate(chunk.totalBytes);
    if (buffer === null) return this.#refuse(from, chunk, 'memory');
    buffer.set(chunk.data);
    this.#bytes += buffer.length;
    const { message, data } = chunk;
    const received = data.length;
    this.#progress.set(keyOf(from), { kind: 'receiving', from, message, buffer, received });
    return received < buffer.length ? null : this.#complete(from, buffer);
  }

  #complete(from: Member, buffer: Uint8Array): Uint8Array {
    this.#bytes -= buffer.length;
    this.#progress.delete(keyOf(from));
    return buffer;
  }

  #refuse(from: Member, chunk: Chunk, reason: RejectReason): null {
    this.#keepRefused(from, chunk);
    this.#rejected(from, { reason, totalBytes: chunk.totalBytes, receivedBytes: 0 });
    return null;
  }

  #keepRefused(from: Member, { message }: Chunk): void {
    if (this.#progress.size >= this.#limits.sendersMax) return;
    this.#progress.set(keyOf(from), { kind: 'refused', from, message });
  }

  /** Null beyond the bounds, and when the machine itself has no more memory. */
  #allocate(bytes: number): Uint8Array | null {
    const { assemblyBytesMax, sendersMax } = this.#limits;
    if (this.#bytes + bytes > assemblyBytesMax || this.#progress.size >= sendersMax) return null;
    try {
      // Not from Node's shared pool, and not filled: every byte is written before it is handed out.
      return Buffer.allocUnsafeSlow(bytes);
    } catch (thrown) {
      if (thrown instanceof RangeError) return null;
      throw thrown;
    }
  }
}

function keyOf({ nodeId, pid }: Member): string {
  return `${nodeId}/${pid}`;
}
