import type { Clock } from '../../clock.js';
import type { CpgError } from '../error.js';
import type { Group, GroupView, Member, RingId } from '../port.js';
import { droppedFromGroup, messageLost } from './errors.js';
import type { ChannelLimits } from './limits.js';
import { Outgoing } from './outgoing.js';
import { Receiver, type ReceiverEvents } from './receiver.js';

export interface SessionEvents extends Omit<ReceiverEvents, 'message'> {
  readonly message: (from: Member, payload: Uint8Array) => void;
  readonly connected: (session: Session) => void;
  /** No more use; `hadJoined` when it was shown by a view. */
  readonly ended: (cause: CpgError, hadJoined: boolean) => void;
  readonly view: (view: GroupView, fresh: boolean) => void;
  readonly ring: (ring: RingId, nodeIds: readonly number[]) => void;
  readonly undelivered: (messages: number, cause: CpgError) => void;
  readonly roomMade: (session: Session) => void;
}

export interface SessionModules {
  readonly group: Group;
  readonly clock: Clock;
  readonly endOfTurn: (callback: () => void) => void;
}

type State =
  | { readonly kind: 'joining' }
  | { readonly kind: 'joined' }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'ended' };

/** One connection: a group, what goes out through it and what comes in. */
export class Session {
  /** Resolves with the reason when the connection is of no more use. */
  readonly ended: Promise<CpgError>;
  readonly outgoing: Outgoing;
  readonly #group: Group;
  readonly #events: SessionEvents;
  readonly #receiver: Receiver;
  #state: State = { kind: 'joining' };
  #hasJoined = false;
  #tellEnd: (cause: CpgError) => void = () => undefined;

  constructor(modules: SessionModules, events: SessionEvents, limits: ChannelLimits) {
    const { group, clock, endOfTurn } = modules;
    this.#group = group;
    this.#events = events;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
    this.outgoing = new Outgoing({
      multicast: (frame) => group.multicast(frame),
      frameBytesMax: group.payloadBytesMax,
      clock,
      endOfTurn,
      roomMade: () => events.roomMade(this),
      undelivered: (messages, cause) => events.undelivered(messages, cause),
    }, limits);
    this.#receiver = new Receiver({
      message: (from, payload) => {
        events.message(from, payload);
        return !this.#hasEnded;
      },
      rejected: events.rejected,
      gap: events.gap,
      foreign: events.foreign,
    }, limits);
    this.#attach();
  }

  get self(): Member {
    return this.#group.self;
  }

  /** Whether a view has shown us, and the connection stands. */
  get isJoined(): boolean {
    return this.#state.kind === 'joined' || this.#state.kind === 'leaving';
  }

  /** Whether a view has ever shown us. */
  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  join(name: string): Promise<void> {
    return this.#group.join(name);
  }

  /** joined -> leaving: our own departure is no loss. */
  leave(): Promise<void> {
    this.#state = { kind: 'leaving' };
    return this.#group.leave();
  }

  /**
   * any -> ended: rejects what was not sent, tells what came in part. The group must be closed
   * right after, which rejects the rest.
   */
  end(cause: CpgError): void {
    if (this.#hasEnded) return;
    const wasJoined = this.isJoined;
    this.#state = { kind: 'ended' };
    this.#tellEnd(cause);
    const reason = cause.code === 'CLOSED' ? cause : messageLost('multicast', cause);
    const messages = this.outgoing.drop(reason);
    if (wasJoined && cause.code !== 'CLOSED') {
      this.#receiver.disconnect();
      if (messages > 0) this.#events.undelivered(messages, reason);
    }
    this.#events.ended(cause, wasJoined);
  }

  close(): Promise<void> {
    return this.#group.close();
  }

  get #hasEnded(): boolean {
    return this.#state.kind === 'ended';
  }

  #attach(): void {
    this.#group.on('view', (view) => this.#changeView(view));
    this.#group.on('ring', (ring, nodeIds) => {
      if (!this.#hasEnded) this.#events.ring(ring, nodeIds);
    });
    this.#group.on('message', (from, payload) => {
      if (!this.#hasEnded) this.#receiver.take(from, payload);
    });
    this.#group.on('lost', (cause) => this.end(cause));
  }

  /** joining -> joined with the first view that shows us. */
  #changeView(view: GroupView): void {
    if (this.#hasEnded) return;
    const { nodeId, pid } = this.#group.self;
    const within = view.members.some((member) => member.nodeId === nodeId && member.pid === pid);
    const fresh = this.#state.kind === 'joining';
    if (fresh && within) {
      this.#state = { kind: 'joined' };
      this.#hasJoined = true;
      this.#events.connected(this);
    }
    this.#receiver.changeView(view);
    if (!this.#hasEnded) this.#events.view(view, fresh);
    if (!within && this.#state.kind === 'joined') this.end(droppedFromGroup());
  }
}
