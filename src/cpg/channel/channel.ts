import type { Clock } from '../../clock.js';
import { IsolatingEmitter } from '../../native/emitter.js';
import type { CpgError } from '../error.js';
import type { Member, OpenGroup } from '../port.js';
import {
  alreadyJoined, asCpgError, channelClosed, messageLost, messageTooBig, noBytes, noName,
  notConnected, notJoinedYet,
} from './errors.js';
import type { ForeignReason } from './frame.js';
import type { ChannelLimits } from './limits.js';
import type { Outgoing } from './outgoing.js';
import type { Channel, ChannelEvents } from './port.js';
import { Reconnect, type Outcome } from './reconnect.js';
import { Session, type SessionEvents } from './session.js';
import type { Settler } from './settler.js';
import { WaitingRoom } from './waiting-room.js';

export interface ChannelModules {
  readonly openGroup: OpenGroup;
  readonly clock: Clock;
  /** Calls back when the current turn of the event loop ends. */
  readonly endOfTurn: (callback: () => void) => void;
}

type State =
  | { readonly kind: 'idle' }
  /** The first connection is not there yet; `joined` is the promise of the join. */
  | { readonly kind: 'joining'; readonly joined: Settler }
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'closed' };

/** @see Channel */
export class GroupChannel extends IsolatingEmitter<ChannelEvents> implements Channel {
  readonly #modules: ChannelModules;
  readonly #limits: ChannelLimits;
  readonly #waiting: WaitingRoom;
  readonly #foreignCounts = new Map<ForeignReason, number>();
  readonly #events: SessionEvents;
  #state: State = { kind: 'idle' };
  #reconnect: Reconnect | null = null;
  /** The connection under way, shown in a view or not yet. */
  #session: Session | null = null;
  /** Settles when nothing of any connection is left. */
  #done: Promise<void> = Promise.resolve();
  #closeFailure: CpgError | null = null;

  constructor(modules: ChannelModules, limits: ChannelLimits) {
    super();
    this.#modules = modules;
    this.#limits = limits;
    this.#waiting = new WaitingRoom(limits.waitingSendsMax);
    this.#events = this.#sessionEvents();
  }

  get self(): Member | null {
    return this.#state.kind === 'connected' ? this.#state.session.self : null;
  }

  async join(name: string | Uint8Array): Promise<void> {
    if (this.#state.kind === 'closed') throw channelClosed('join');
    if (this.#state.kind !== 'idle') throw alreadyJoined();
    if (typeof name !== 'string' && !(name instanceof Uint8Array)) throw noName(name);
    const kept = typeof name === 'string' ? name : Uint8Array.from(name);
    await new Promise<void>((resolve, reject) => {
      this.#state = { kind: 'joining', joined: { resolve, reject } };
      const { reconnectDelayMsMin, reconnectDelayMsMax } = this.#limits;
      this.#reconnect = new Reconnect({
        clock: this.#modules.clock,
        connect: () => this.#connect(kept),
        ended: (outcome, delayMs) => this.#isToRetry(outcome, delayMs),
      }, reconnectDelayMsMin, reconnectDelayMsMax);
      this.#done = this.#reconnect.run();
    });
  }

  trySend(payload: Uint8Array): boolean {
    const door = this.#door('trySend', payload);
    if (!door.hasRoom || !this.#waiting.isEmpty) return false;
    door.take(payload, null);
    return true;
  }

  async ready(): Promise<void> {
    const { kind } = this.#state;
    if (kind === 'idle') throw notJoinedYet('ready');
    if (kind === 'leaving' || kind === 'closed') throw channelClosed('ready');
    const door = this.#outgoing();
    await this.#waiting.enter(door, 'ready', { payload: null, until: 'taken' });
  }

  async send(payload: Uint8Array): Promise<void> {
    await this.#waiting.enter(this.#door('send', payload), 'send', { payload, until: 'taken' });
  }

  async multicast(payload: Uint8Array): Promise<void> {
    const door = this.#door('multicast', payload);
    await this.#waiting.enter(door, 'multicast', { payload, until: 'echoed' });
  }

  async flush(): Promise<void> {
    const outgoing = this.#outgoing();
    if (outgoing === null) throw this.#refusal('flush');
    await outgoing.flush();
  }

  async leave(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'joining' || state.kind === 'disconnected') return this.close();
    if (state.kind !== 'connected') throw this.#refusal('leave');
    const { session } = state;
    // Before the state changes: a lost connection must find somebody who waits.
    const flushed = session.outgoing.flush();
    this.#state = { kind: 'leaving' };
    this.#waiting.reject(channelClosed('leave'));
    try {
      await flushed;
    } finally {
      try {
        if (session.isJoined) await session.leave();
      } finally {
        await this.close();
      }
    }
  }

  async close(): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'closed') {
      this.#state = { kind: 'closed' };
      const cause = channelClosed('close');
      if (state.kind === 'joining') state.joined.reject(cause);
      this.#waiting.reject(cause);
      this.#session?.end(cause);
      this.#reconnect?.stop();
    }
    await this.#done;
    if (this.#closeFailure !== null) throw this.#closeFailure;
  }

  /** One connection, from its beginning to its end. */
  async #connect(name: string | Uint8Array): Promise<Outcome> {
    let stood = false;
    try {
      const { openGroup, clock, endOfTurn } = this.#modules;
      const group = await openGroup();
      const session = new Session({ group, clock, endOfTurn }, this.#events, this.#limits);
      this.#session = session;
      if (this.#state.kind === 'closed') session.end(channelClosed('close'));
      else session.join(name).catch((thrown: unknown) => session.end(asCpgError('join', thrown)));
      const cause = await session.ended;
      stood = session.hasJoined;
      this.#session = null;
      await session.close();
      return { cause, stood };
    } catch (thrown) {
      const cause = asCpgError('open', thrown);
      if (this.#state.kind === 'closed') this.#closeFailure = cause;
      return { cause, stood };
    }
  }

  /** joining -> idle, when no waiting will mend it. */
  #isToRetry({ cause, stood }: Outcome, delayMs: number): boolean {
    const state = this.#state;
    if (state.kind === 'closed' || state.kind === 'leaving') return false;
    if (state.kind === 'joining' && !cause.retryable) {
      this.#state = { kind: 'idle' };
      this.#waiting.reject(cause);
      state.joined.reject(cause);
      return false;
    }
    if (!stood) this.emit('retrying', cause, delayMs);
    return true;
  }

  #sessionEvents(): SessionEvents {
    return {
      connected: (session) => this.#connected(session),
      ended: (cause, hadJoined) => this.#disconnected(cause, hadJoined),
      roomMade: (session) => this.#waiting.admit(session.outgoing),
      message: (from, payload) => void this.emit('message', from, payload),
      view: (view, fresh) => void this.emit('view', view, fresh),
      ring: (ring, nodeIds) => void this.emit('ring', ring, nodeIds),
      rejected: (from, rejection) => void this.emit('rejected', from, rejection),
      gap: (from, frames) => void this.emit('gap', from, frames),
      undelivered: (messages, cause) => void this.emit('undelivered', messages, cause),
      foreign: (from, payload, reason) => {
        const count = (this.#foreignCounts.get(reason) ?? 0) + 1;
        this.#foreignCounts.set(reason, count);
        this.emit('foreign', { from, payload, reason, count });
      },
    };
  }

  /** joining | disconnected -> connected. */
  #connected(session: Session): void {
    const state = this.#state;
    this.#state = { kind: 'connected', session };
    if (state.kind === 'joining') state.joined.resolve();
    this.#waiting.admit(session.outgoing);
    this.emit('connected', session.self);
  }

  /** connected -> disconnected. */
  #disconnected(cause: CpgError, hadJoined: boolean): void {
    if (!hadJoined || this.#state.kind === 'closed') return;
    if (this.#state.kind === 'connected') this.#state = { kind: 'disconnected' };
    this.#waiting.reject(messageLost('send', cause));
    this.emit('disconnected', cause);
  }

  #outgoing(): Outgoing | null {
    const state = this.#state;
    return state.kind === 'connected' && state.session.isJoined ? state.session.outgoing : null;
  }

  /** Where the message goes, after all checks of it. */
  #door(operation: string, payload: Uint8Array): Outgoing {
    if (!isReadable(payload)) throw noBytes(operation, payload);
    const outgoing = this.#outgoing();
    if (outgoing === null) throw this.#refusal(operation);
    const { messageBytesMax } = this.#limits;
    if (payload.length > messageBytesMax) {
      throw messageTooBig(operation, payload.length, messageBytesMax);
    }
    return outgoing;
  }

  #refusal(operation: string): CpgError {
    switch (this.#state.kind) {
      case 'idle':
        return notJoinedYet(operation);
      case 'joining':
      case 'connected':
      case 'disconnected':
        return notConnected(operation);
      case 'leaving':
      case 'closed':
        return channelClosed(operation);
    }
  }
}

/** Bytes, and neither in memory that was transferred elsewhere nor only claiming to be any. */
function isReadable(payload: unknown): boolean {
  if (!(payload instanceof Uint8Array)) return false;
  try {
    // A view of detached memory is empty, and cannot be made into another.
    return payload.length > 0 || payload.subarray().length === 0;
  } catch {
    return false;
  }
}
