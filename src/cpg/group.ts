import type { Clock } from '../clock.js';
import { CS_ERR_TRY_AGAIN, CS_OK } from '../native/corotypes.js';
import { IsolatingEmitter } from '../native/emitter.js';
import type { CpgConnection, CpgEvent } from './connection.js';
import { CPG_FLOW_CONTROL_ENABLED, CPG_TYPE_AGREED } from './constants.js';
import { ECHO_WATCH_LIMITS, EchoWatch, type EchoWatchLimits } from './echo-watch.js';
import { Enquiries } from './enquiries.js';
import type { CpgEnquiry } from './enquiry.js';
import { CpgError } from './error.js';
import { alreadyUsed, broken, lost, notJoined, silent, timedOut } from './group-errors.js';
import { groupName } from './group-name.js';
import { guaranteeType } from './guarantee.js';
import { OUTBOX_LIMITS, Outbox, type OutboxLimits } from './outbox.js';
import { gather } from './payload.js';
import type {
  Cpg, FlowControl, GroupEvents, GroupListing, GroupView, Guarantee, Member,
} from './port.js';
import { settling, type Settling } from './settling.js';
import { check, errorOf } from './status.js';

export interface GroupLimits {
  readonly outbox: OutboxLimits;
  readonly echoWatch: EchoWatchLimits;
  /**
   * How long one turn of the event loop may be spent on dispatching, in ms. Being preempted once
   * by another process adds several, and costs no throughput when the budget is small.
   */
  readonly dispatchBudgetMs: number;
  /** How long a join or a leave may take until its view arrives, in ms. */
  readonly changeMsMax: number;
  /** Pause before asking again after TRY_AGAIN, in ms. */
  readonly changeRetryDelayMs: number;
}

export const GROUP_LIMITS: GroupLimits = {
  outbox: OUTBOX_LIMITS,
  echoWatch: ECHO_WATCH_LIMITS,
  dispatchBudgetMs: 2,
  changeMsMax: 30_000,
  changeRetryDelayMs: 20,
};

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'joining'; readonly name: Uint8Array; readonly done: Settling }
  | { readonly kind: 'joined'; readonly name: Uint8Array }
  | { readonly kind: 'leaving'; readonly done: Settling }
  | { readonly kind: 'left' }
  | { readonly kind: 'closed'; readonly cause: CpgError };

/**
 * A group over one raw connection.
 *
 * `join` resolves when our own membership has been delivered, so after the `view` that shows it;
 * `leave` likewise. While either asks corosync, no event is dispatched; the event loop goes on.
 */
export class CpgGroup extends IsolatingEmitter<GroupEvents> implements Cpg {
  readonly self: Member;
  readonly payloadBytesMax: number;
  readonly fd: number;
  readonly #connection: CpgConnection;
  readonly #clock: Clock;
  readonly #limits: GroupLimits;
  readonly #outbox: Outbox;
  readonly #echoWatch: EchoWatch;
  readonly #enquiries = new Enquiries();
  #state: State = { kind: 'open' };

  constructor(
    modules: { readonly connection: CpgConnection; readonly clock: Clock; readonly pid: number },
    limits: GroupLimits = GROUP_LIMITS,
  ) {
    super();
    const { connection, clock, pid } = modules;
    this.self = { nodeId: connection.nodeId, pid };
    this.payloadBytesMax = connection.payloadBytesMax;
    this.fd = connection.fd;
    this.#connection = connection;
    this.#clock = clock;
    this.#limits = limits;
    this.#outbox = new Outbox(
      { send: (payload, guarantee) => connection.send(payload, guarantee), clock }, limits.outbox,
    );
    this.#echoWatch = new EchoWatch({
      clock,
      oldest: () => this.#outbox.oldest,
      silent: () => this.#lose(silent(limits.echoWatch.silenceMsMax)),
    }, limits.echoWatch);
    connection.watch({
      readable: () => this.#readable(),
      kept: (from, bytes) => (this.#isSelf(from) ? this.#outbox.kept(bytes) : null),
    });
  }

  get context(): bigint {
    this.#checkOpen('context');
    const { status, value } = this.#connection.context();
    check('cpg_context_get', status);
    return value;
  }

  set context(value: bigint) {
    this.#checkOpen('context');
    if (typeof value !== 'bigint' || value !== BigInt.asUintN(64, value)) {
      const text = 'context: the value is no bigint of 0 to 2^64 - 1; give one';
      throw new CpgError('INVALID_PARAM', 'context', text);
    }
    check('cpg_context_set', this.#connection.setContext(value));
  }

  async join(name: string | Uint8Array): Promise<void> {
    const bytes = groupName('join', name);
    if (this.#state.kind !== 'open') throw this.#refusal('join');
    const done = settling(this.#clock, this.#limits.changeMsMax, () => timedOut('cpg_join'));
    this.#state = { kind: 'joining', name: bytes, done };
    try {
      const request = this.#request('cpg_join', done, () => this.#connection.join(bytes));
      await Promise.all([done.promise, request]);
    } catch (thrown) {
      // After a time-out corosync may still do it, so only a plain refusal leads back.
      if (thrown instanceof CpgError && thrown.status !== null) this.#undo(done);
      throw thrown;
    }
  }

  multicast(
    payload: Uint8Array | readonly Uint8Array[], guarantee: Guarantee = 'agreed',
  ): Promise<void> {
    if (this.#state.kind !== 'joined') return Promise.reject(this.#refusal('multicast'));
    try {
      const type = guarantee === 'agreed' ? CPG_TYPE_AGREED : guaranteeType(guarantee);
      const sent = this.#outbox.push(gather(payload, this.payloadBytesMax), type);
      this.#echoWatch.started();
      return sent;
    } catch (thrown) {
      return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  membership(): Promise<readonly Member[]> {
    const state = this.#state;
    if (state.kind !== 'joined') return Promise.reject(this.#refusal('membership'));
    return this.#ask('membership', (enquiry) => enquiry.membership(state.name));
  }

  groupNames(): Promise<readonly Uint8Array[]> {
    return this.#ask('groupNames', (enquiry) => enquiry.groupNames());
  }

  groups(): Promise<readonly GroupListing[]> {
    return this.#ask('groups', (enquiry) => enquiry.groups());
  }

  membersOf(name: string | Uint8Array): Promise<readonly Member[]> {
    // Within, so that a bad name rejects instead of throwing.
    return this.#ask('membersOf', async (enquiry) =>
      await enquiry.membersOf(groupName('membersOf', name)));
  }

  localNodeId(): Promise<number> {
    return this.#ask('localNodeId', (enquiry) => enquiry.localNodeId());
  }

  flowControl(): FlowControl {
    this.#checkOpen('flowControl');
    const { status, state } = this.#connection.flowControl();
    check('cpg_flow_control_state_get', status);
    return state === CPG_FLOW_CONTROL_ENABLED ? 'enabled' : 'disabled';
  }

  async leave(): Promise<void> {
    if (this.#state.kind !== 'joined') throw this.#refusal('leave');
    const { name } = this.#state;
    const done = settling(this.#clock, this.#limits.changeMsMax, () => timedOut('cpg_leave'));
    this.#state = { kind: 'leaving', done };
    this.#outbox.dropQueued(notJoined('multicast'));
    const request = this.#request('cpg_leave', done, () => this.#connection.leave(name));
    await Promise.all([done.promise, request]);
  }

  async close(): Promise<void> {
    this.#end(new CpgError('CLOSED', 'close', 'the group was closed; open a new one'));
    await this.#connection.close();
  }

  #ask<Answer>(
    operation: string, run: (enquiry: CpgEnquiry) => Promise<Answer>,
  ): Promise<Answer> {
    if (this.#isClosed()) return Promise.reject(this.#refusal(operation));
    return this.#enquiries.ask(operation, () => run(this.#connection.enquiry));
  }

  #checkOpen(operation: string): void {
    if (this.#isClosed()) throw this.#refusal(operation);
  }

  /** Asks until corosync does not say TRY_AGAIN, as long as the change is awaited. */
  async #request(
    operation: string, done: Settling, call: () => Promise<number>,
  ): Promise<void> {
    for (let status = await call(); status !== CS_OK; status = await call()) {
      if (done.settled()) return;
      if (status !== CS_ERR_TRY_AGAIN) {
        const error = errorOf(operation, status);
        done.reject(error);
        return;
      }
      await pause(this.#clock, this.#limits.changeRetryDelayMs);
      if (done.settled()) return;
    }
  }

  /** joining -> open, when corosync refused the join. */
  #undo(done: Settling): void {
    if (this.#state.kind === 'joining' && this.#state.done === done) {
      this.#state = { kind: 'open' };
    }
  }

  /**
   * Hands out events one by one, within the turn's budget. The poll is level-triggered: what is
   * left makes the descriptor readable again in the next turn.
   */
  #readable(): void {
    if (this.#isClosed()) return;
    const endMs = this.#clock.monotonic() + this.#limits.dispatchBudgetMs;
    do {
      const status = this.#connection.dispatch();
      let event = this.#connection.take();
      const some = event !== undefined;
      for (; event !== undefined; event = this.#connection.take()) {
        this.#handle(event);
        if (this.#isClosed()) return;
      }
      if (status !== CS_OK && status !== CS_ERR_TRY_AGAIN) {
        return this.#lose(lost('cpg_dispatch', status));
      }
      if (!some) return;
    } while (this.#clock.monotonic() < endMs);
  }

  #isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  #handle(event: CpgEvent): void {
    // Corosync goes on telling a connection that has left of nodes that come and go.
    if (this.#state.kind === 'left' && event.kind !== 'broken') return;
    switch (event.kind) {
      case 'message':
        // Compared before the listeners, who own the payload, may write into it.
        if (this.#isSelf(event.from)) this.#outbox.echoed(event.payload);
        this.emit('message', event.from, event.payload);
        return;
      case 'view':
        return this.#changeView(event.view);
      case 'ring':
        this.emit('ring', event.ring, event.nodeIds);
        return;
      case 'broken':
        return this.#lose(broken(event.cause));
      default:
        event satisfies never;
    }
  }

  /** joining -> joined and leaving -> left, before the listeners see the view that says so. */
  #changeView(view: GroupView): void {
    const state = this.#state;
    const within = view.members.some((member) => this.#isSelf(member));
    if (state.kind === 'joining' && within) {
      this.#state = { kind: 'joined', name: state.name };
      state.done.resolve();
    } else if (state.kind === 'leaving' && !within) {
      this.#state = { kind: 'left' };
      this.#outbox.drop(notJoined('multicast'));
      state.done.resolve();
    }
    this.emit('view', view);
  }

  /** any -> closed, by corosync. */
  #lose(cause: CpgError): void {
    this.#end(cause);
    // Its outcome is kept for whoever calls close(); a failure there must not go unseen.
    this.#connection.close().catch((thrown: unknown) => {
      queueMicrotask(() => {
        throw thrown;
      });
    });
    this.emit('lost', cause);
  }

  #end(cause: CpgError): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#state = { kind: 'closed', cause };
    if (state.kind === 'joining' || state.kind === 'leaving') state.done.reject(cause);
    this.#echoWatch.stop();
    this.#enquiries.end(cause);
    this.#outbox.drop(cause);
  }

  #isSelf(member: Member): boolean {
    return member.nodeId === this.self.nodeId && member.pid === this.self.pid;
  }

  #refusal(operation: string): CpgError {
    const state = this.#state;
    switch (state.kind) {
      case 'closed':
        return new CpgError(state.cause.code, operation, `${operation}: ${state.cause.message}`, {
          cause: state.cause,
        });
      case 'open':
      case 'joining':
      case 'joined':
      case 'leaving':
      case 'left':
        return operation === 'join' ? alreadyUsed(state.kind) : notJoined(operation);
    }
  }
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
