import type { GroupView, Member } from '../port.js';
import { Assembler, type Rejection } from './assembler.js';
import { eachMessage, readFrame, type ForeignReason, type Frame } from './frame.js';
import { FrameSequence } from './sequence.js';

export interface ReceiverEvents {
  /** False when nothing more is wanted. */
  readonly message: (from: Member, payload: Uint8Array) => boolean;
  readonly rejected: (from: Member, rejection: Rejection) => void;
  readonly gap: (from: Member, frames: number) => void;
  readonly foreign: (from: Member, payload: Uint8Array, reason: ForeignReason) => void;
}

interface ReceiverLimits {
  readonly messageBytesMax: number;
  readonly assemblyBytesMax: number;
  readonly sendersMax: number;
}

/** Turns the multicasts of one connection back into messages. Takes any bytes, never throws. */
export class Receiver {
  readonly #events: ReceiverEvents;
  readonly #assembler: Assembler;
  readonly #sequence: FrameSequence;

  constructor(events: ReceiverEvents, limits: ReceiverLimits) {
    this.#events = events;
    this.#assembler = new Assembler(limits, events.rejected);
    this.#sequence = new FrameSequence(limits.sendersMax);
  }

  /** Memory of incomplete messages, in bytes. */
  get bytes(): number {
    return this.#assembler.bytes;
  }

  take(from: Member, payload: Uint8Array): void {
    const frame = readFrame(payload);
    if (frame.kind === 'foreign') return this.#events.foreign(from, payload, frame.reason);
    const step = this.#sequence.take(from, frame.sequence);
    if (step === 'repeated') return this.#events.foreign(from, payload, 'repeated');
    if (step !== 'next') this.#events.gap(from, step);
    this.#accept(from, payload, frame);
  }

  /**
   * Whoever left or came has nothing under way: a member that is cut off for a moment may stand
   * in both lists, and its frames of that moment went elsewhere. Those are told as a gap when it
   * is heard again; whoever left or joined by itself begins anew.
   */
  changeView({ members, left, joined }: GroupView): void {
    const isGone = (from: Member): boolean =>
      !members.some((member) => isSame(member, from))
      || [...left, ...joined].some((change) => isSame(change, from));
    this.#assembler.dropWhere(isGone, 'left');
    for (const change of [...left, ...joined]) {
      if (change.reason === 'nodedown' || change.reason === 'nodeup') this.#sequence.away(change);
      else this.#sequence.forget(change);
    }
    this.#sequence.retain(members);
  }

  /** The connection is gone. */
  disconnect(): void {
    this.#assembler.dropWhere(() => true, 'disconnected');
  }

  #accept(from: Member, payload: Uint8Array, frame: Exclude<Frame, { kind: 'foreign' }>): void {
    switch (frame.kind) {
      case 'batch':
        this.#assembler.drop(from, 'superseded');
        return eachMessage(payload, (message) => this.#events.message(from, message));
      case 'chunk': {
        const message = this.#assembler.take(from, frame.chunk);
        if (message !== null) this.#events.message(from, message);
        return;
      }
      case 'abort':
        return this.#assembler.abort(from, frame.message);
      case 'unknown':
        return this.#events.foreign(from, payload, 'kind');
      default:
        frame satisfies never;
    }
  }
}

function isSame(a: Member, b: Member): boolean {
  return a.nodeId === b.nodeId && a.pid === b.pid;
}
