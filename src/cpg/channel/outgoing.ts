import type { Clock, Timer } from '../../clock.js';
import type { CpgError } from '../error.js';
import { Batches, type Batch } from './batch.js';
import { asCpgError, messageLost } from './errors.js';
import { Flushes } from './flushes.js';
import { HEADER_BYTES, LENGTH_BYTES } from './frame.js';
import type { ChannelLimits } from './limits.js';
import type { Settler } from './settler.js';
import { Splitter, abortFrame, type LargeMessage } from './splitter.js';
import { Window } from './window.js';

export interface OutgoingModules {
  /** Sends a frame, of which it takes a copy at once; resolves upon its echo. */
  readonly multicast: (frame: Uint8Array) => Promise<void>;
  /** The largest frame, in bytes. */
  readonly frameBytesMax: number;
  readonly clock: Clock;
  /** Calls back when the current turn of the event loop ends. */
  readonly endOfTurn: (callback: () => void) => void;
  /** Something that was queued has been sent. */
  readonly roomMade: () => void;
  /** Messages that were taken were lost, while the connection goes on. */
  readonly undelivered: (messages: number, cause: CpgError) => void;
}

/** Tells the receivers to let go of a large message of which a chunk was lost. */
interface Abort {
  readonly kind: 'abort';
  readonly number: number;
}

type Item = Batch | LargeMessage | Abort;

/**
 * The outgoing messages of one connection, in the order in which they were taken. Small ones
 * gather in the open batch, which is sent at the end of the turn (or after `batchDelayMs`) or when
 * it is full, and in either case not before the window has room; large ones go chunk by chunk.
 */
export class Outgoing {
  readonly #modules: OutgoingModules;
  readonly #limits: ChannelLimits;
  readonly #batches: Batches;
  readonly #splitter: Splitter;
  readonly #window: Window;
  readonly #flushes = new Flushes();
  /** Before the open batch. Short: a batch or a large message each. */
  #queue: Item[] = [];
  #open: Batch | null = null;
  /** Whether the open batch has waited long enough. */
  #isDue = false;
  #alarm: Timer | null = null;
  #queuedMessages = 0;
  #queuedBytes = 0;
  #sequence = 0;
  #dropped: CpgError | null = null;

  constructor(modules: OutgoingModules, limits: ChannelLimits) {
    const { frameBytesMax } = modules;
    this.#modules = modules;
    this.#limits = limits;
    this.#batches = new Batches(
      Math.min(limits.batchBytesMax, frameBytesMax), limits.batchMessagesMax,
    );
    this.#splitter = new Splitter(limits.chunkBytesMax, frameBytesMax);
    this.#window = new Window(limits.inFlightFramesMax, limits.inFlightBytesMax);
  }

  /** Whether one more message, of any size, may be taken. */
  get hasRoom(): boolean {
    return this.#queuedBytes < this.#limits.queuedBytesMax
      && this.#queuedMessages < this.#limits.queuedMessagesMax;
  }

  /** Takes a copy of the message, room or not. The settler, if any, is told of the echo. */
  take(payload: Uint8Array, settler: Settler | null): void {
    this.#flushes.taken();
    this.#queuedMessages += 1;
    this.#queuedBytes += LENGTH_BYTES + payload.length;
    if (this.#batches.isSmall(payload)) return this.#gather(payload, settler);
    this.#closeBatch();
    this.#queue.push(this.#splitter.begin(payload, settler));
    this.#pump();
  }

  /** Resolves when everything that was taken has come back; rejects when something is lost. */
  flush(): Promise<void> {
    return this.#flushes.wait();
  }

  /**
   * Sends nothing more and rejects what was not sent; the rest rejects with the group. Gives the
   * number of messages that were taken and have not come back.
   */
  drop(cause: CpgError): number {
    if (this.#dropped !== null) return 0;
    this.#dropped = cause;
    this.#alarm?.cancel();
    this.#closeBatch();
    for (const item of this.#queue.splice(0)) rejectAll(item, cause);
    return this.#flushes.drop(cause);
  }

  #gather(payload: Uint8Array, settler: Settler | null): void {
    if (this.#open !== null && !this.#batches.hasRoom(this.#open, payload)) {
      this.#closeBatch();
      this.#pump();
    }
    if (this.#open === null) {
      this.#open = this.#batches.create();
      this.#arm(this.#open);
    }
    this.#open.add(payload);
    if (settler !== null) this.#open.settlers.push(settler);
  }

  #closeBatch(): void {
    if (this.#open !== null) this.#queue.push(this.#open);
    this.#open = null;
    this.#isDue = false;
  }

  #arm(batch: Batch): void {
    const due = (): void => {
      if (this.#dropped !== null || this.#open !== batch) return;
      this.#isDue = true;
      this.#pump();
    };
    const { batchDelayMs } = this.#limits;
    this.#alarm?.cancel();
    if (batchDelayMs === 0) this.#modules.endOfTurn(due);
    else this.#alarm = this.#modules.clock.setTimer(batchDelayMs, due);
  }

  /** Sends what the window has room for. */
  #pump(): void {
    let sent = 0;
    for (let item = this.#next(); item !== null; item = this.#next()) {
      this.#send(item);
      sent += 1;
    }
    if (sent > 0) this.#modules.roomMade();
  }

  #next(): Item | null {
    const item = this.#queue[0] ?? (this.#isDue ? this.#open : null);
    if (item === null || !this.#window.hasRoom(this.#bytesOf(item))) return null;
    if (item === this.#open) this.#closeBatch();
    return item;
  }

  #bytesOf(item: Item): number {
    if (item.kind === 'large') return this.#splitter.nextBytes(item);
    return item.kind === 'batch' ? item.bytes : 0;
  }

  #send(item: Item): void {
    this.#sequence = (this.#sequence + 1) >>> 0;
    switch (item.kind) {
      case 'batch':
        this.#queue.shift();
        this.#unqueued(item.messages, item.bytes - HEADER_BYTES);
        this.#multicast(item.frame(this.#sequence), item);
        return this.#batches.recycle(item);
      case 'large':
        this.#multicast(this.#splitter.next(item, this.#sequence), item);
        if (item.sentBytes === item.payload.length) this.#dequeueLarge(item);
        return;
      case 'abort':
        this.#queue.shift();
        return this.#multicast(abortFrame(item.number, this.#sequence), item);
      default:
        item satisfies never;
    }
  }

  #multicast(frame: Uint8Array, item: Item): void {
    const bytes = frame.length;
    const isLast = item.kind !== 'large' || item.sentBytes === item.payload.length;
    this.#window.sent(bytes);
    this.#modules.multicast(frame).then(
      () => {
        this.#window.landed(bytes);
        if (isLast) this.#echoed(item);
        this.#pump();
      },
      (thrown: unknown) => {
        this.#window.landed(bytes);
        this.#failed(item, asCpgError('multicast', thrown));
        this.#pump();
      },
    );
  }

  /** All of the item has come back. */
  #echoed(item: Item): void {
    if (item.kind === 'large' && item.isLost) return;
    for (const { resolve } of settlersOf(item)) resolve();
    if (this.#dropped === null) this.#flushes.echoed(messagesOf(item));
  }

  #failed(item: Item, thrown: CpgError): void {
    if (this.#dropped !== null) return rejectAll(item, this.#dropped);
    if (item.kind === 'abort' || (item.kind === 'large' && item.isLost)) return;
    const cause = messageLost('multicast', thrown);
    rejectAll(item, cause);
    if (item.kind === 'large') {
      item.isLost = true;
      if (this.#queue[0] === item) this.#dequeueLarge(item);
      this.#queue.unshift({ kind: 'abort', number: item.number });
    }
    this.#flushes.lost(messagesOf(item), cause);
    this.#modules.undelivered(messagesOf(item), cause);
  }

  #dequeueLarge({ payload }: LargeMessage): void {
    this.#queue.shift();
    this.#unqueued(1, LENGTH_BYTES + payload.length);
  }

  #unqueued(messages: number, bytes: number): void {
    this.#queuedMessages -= messages;
    this.#queuedBytes -= bytes;
  }
}

function messagesOf(item: Item): number {
  switch (item.kind) {
    case 'batch': return item.messages;
    case 'large': return 1;
    case 'abort': return 0;
  }
}

function settlersOf(item: Item): readonly Settler[] {
  switch (item.kind) {
    case 'batch': return item.settlers;
    case 'large': return item.settler === null ? [] : [item.settler];
    case 'abort': return [];
  }
}

function rejectAll(item: Item, cause: CpgError): void {
  for (const { reject } of settlersOf(item)) reject(cause);
}
