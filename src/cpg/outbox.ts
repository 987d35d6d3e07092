import type { Clock, Timer } from '../clock.js';
import { CS_ERR_TRY_AGAIN, CS_OK } from '../native/corotypes.js';
import { CpgError } from './error.js';
import { Fifo } from './fifo.js';
import { isSameBytes } from './same-bytes.js';
import { errorOf, isFatal } from './status.js';

/** Bounds of one group's outgoing messages. */
export interface OutboxLimits {
  /** Waiting to be sent; one more is refused with `QUEUE_FULL`. */
  readonly queuedMessagesMax: number;
  readonly queuedBytesMax: number;
  /** Sent, not yet echoed. libqb spins inside the call at about 278 that corosync has not read. */
  readonly inFlightMessagesMax: number;
  /** Like the above in bytes; a single message may exceed it when nothing else is in flight. */
  readonly inFlightBytesMax: number;
  /** First and longest pause after TRY_AGAIN, in ms; doubled each time, reset by a success. */
  readonly retryDelayMsMin: number;
  readonly retryDelayMsMax: number;
}

export const OUTBOX_LIMITS: OutboxLimits = {
  queuedMessagesMax: 4096,
  queuedBytesMax: 16 << 20,
  inFlightMessagesMax: 128,
  inFlightBytesMax: 2 << 20,
  retryDelayMsMin: 1,
  retryDelayMsMax: 64,
};

/** One message of ours until it has settled. `payload` is the outbox's own copy. */
interface Entry {
  readonly payload: Uint8Array;
  readonly guarantee: number;
  readonly resolve: () => void;
  readonly reject: (reason: CpgError) => void;
}

/**
 * The outgoing messages of one group: a bounded queue, then a bounded window of messages whose
 * own echo is awaited. Order of sending = order of `push`. Never waits, never spins.
 */
export class Outbox {
  readonly #send: (payload: Uint8Array, guarantee: number) => number;
  readonly #clock: Clock;
  readonly #limits: OutboxLimits;
  readonly #queue = new Fifo<Entry>();
  readonly #inFlight = new Fifo<Entry>();
  #queuedBytes = 0;
  #inFlightBytes = 0;
  #retry: Timer | null = null;
  #retryDelayMs: number;

  /** `send` takes a payload and a CPG_TYPE_* and returns a cs_error_t. */
  constructor(
    modules: {
      readonly send: (payload: Uint8Array, guarantee: number) => number;
      readonly clock: Clock;
    },
    limits: OutboxLimits = OUTBOX_LIMITS,
  ) {
    this.#send = modules.send;
    this.#clock = modules.clock;
    this.#limits = limits;
    this.#retryDelayMs = limits.retryDelayMsMin;
  }

  /** What has waited longest, as an identity to compare; null when nothing waits. */
  get oldest(): object | null {
    return this.#inFlight.at(0) ?? this.#queue.at(0) ?? null;
  }

  /**
   * Takes over `payload`, which nobody may change any more. Resolves when its echo came; rejects
   * with `QUEUE_FULL`, what corosync answered, or the reason given to `drop`.
   */
  push(payload: Uint8Array, guarantee: number): Promise<void> {
    const bytes = payload.byteLength;
    const { queuedMessagesMax, queuedBytesMax } = this.#limits;
    if (this.#queue.length >= queuedMessagesMax || this.#queuedBytes + bytes > queuedBytesMax) {
      return Promise.reject(queueFull(this.#queue.length, this.#queuedBytes));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ payload, guarantee, resolve, reject });
      this.#queuedBytes += bytes;
      this.#pump();
    });
  }

  /** Our own bytes of a message that is just coming back; whoever is given them owns them. */
  kept(bytes: Uint8Array): Uint8Array | null {
    const oldest = this.#inFlight.at(0);
    return oldest !== undefined && isSameBytes(oldest.payload, bytes) ? oldest.payload : null;
  }

  /**
   * Takes in a message that came back. Corosync keeps one sender's order, so whatever was sent
   * before the matching one and is still awaited was lost (it may drop messages of a node that
   * was paused): those are rejected with `LOST`.
   */
  echoed(payload: Uint8Array): void {
    const lost = this.#indexOf(payload);
    if (lost < 0) return;
    for (let index = 0; index < lost; index += 1) this.#land()?.reject(dropped());
    this.#land()?.resolve();
    // An echo shows that corosync has made room: one attempt now, without waiting for the timer.
    this.#retry?.cancel();
    this.#retry = null;
    this.#pump();
  }

  /** Rejects what was not sent yet. */
  dropQueued(reason: CpgError): void {
    this.#cancelRetry();
    this.#queuedBytes = 0;
    for (const entry of this.#queue.drain()) entry.reject(reason);
  }

  /** Rejects everything, sent or not. */
  drop(reason: CpgError): void {
    this.#inFlightBytes = 0;
    for (const entry of this.#inFlight.drain()) entry.reject(reason);
    this.dropQueued(reason);
  }

  /** Where in the window that message is: nearly always it is the oldest. */
  #indexOf(payload: Uint8Array): number {
    for (let index = 0; ; index += 1) {
      const entry = this.#inFlight.at(index);
      if (entry === undefined) return -1;
      if (entry.payload === payload || isSameBytes(entry.payload, payload)) return index;
    }
  }

  /** Takes the oldest out of the window. */
  #land(): Entry | undefined {
    const entry = this.#inFlight.shift();
    if (entry !== undefined) this.#inFlightBytes -= entry.payload.byteLength;
    return entry;
  }

  #pump(): void {
    if (this.#retry !== null) return;
    for (let entry = this.#queue.at(0); entry !== undefined && this.#fits(entry); ) {
      const status = this.#send(entry.payload, entry.guarantee);
      if (status === CS_ERR_TRY_AGAIN) return this.#retryLater();
      // The connection is dead: the poll will report it and reject everything with LOST.
      if (isFatal(status)) return;
      this.#dequeue(entry, status);
      entry = this.#queue.at(0);
    }
  }

  #dequeue(entry: Entry, status: number): void {
    this.#queue.shift();
    this.#queuedBytes -= entry.payload.byteLength;
    if (status !== CS_OK) return entry.reject(errorOf('cpg_mcast_joined', status));
    this.#inFlight.push(entry);
    this.#inFlightBytes += entry.payload.byteLength;
    this.#retryDelayMs = this.#limits.retryDelayMsMin;
  }

  #fits(entry: Entry): boolean {
    if (this.#inFlight.length === 0) return true;
    const { inFlightMessagesMax, inFlightBytesMax } = this.#limits;
    return (
      this.#inFlight.length < inFlightMessagesMax &&
      this.#inFlightBytes + entry.payload.byteLength <= inFlightBytesMax
    );
  }

  #retryLater(): void {
    this.#retry = this.#clock.setTimer(this.#retryDelayMs, () => {
      this.#retry = null;
      this.#pump();
    });
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, this.#limits.retryDelayMsMax);
  }

  #cancelRetry(): void {
    this.#retry?.cancel();
    this.#retry = null;
    this.#retryDelayMs = this.#limits.retryDelayMsMin;
  }
}

function queueFull(messages: number, bytes: number): CpgError {
  const text =
    `multicast: ${messages} messages (${bytes} bytes) wait to be sent already; ` +
    'wait for earlier multicasts to settle, then send again';
  return new CpgError('QUEUE_FULL', 'multicast', text, { retryable: true });
}

function dropped(): CpgError {
  const text =
    'multicast: corosync lost the message (a later one of ours was delivered without it); ' +
    'send it again if it still holds';
  return new CpgError('LOST', 'multicast', text, { retryable: true });
}
