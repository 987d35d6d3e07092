import type { Clock } from '../clock.js';
import { IsolatingEmitter } from '../native/emitter.js';
import type { CpgConnection, CpgEvent } from './connection.js';
import { CPG_FLOW_CONTROL_ENABLED, CPG_TYPE_AGREED } from './constants.js';
import { dispatchTurn } from './dispatch-turn.js';
import { EchoWatch } from './echo-watch.js';
import { Enquiries } from './enquiries.js';
import type { CpgEnquiry } from './enquiry.js';
import { CpgError } from './error.js';
import { alreadyUsed, broken, ended, notJoined, silent } from './group-errors.js';
import { GROUP_LIMITS, type GroupLimits } from './group-limits.js';
import { groupName } from './group-name.js';
import { guaranteeType } from './guarantee.js';
import { MembershipChange } from './membership-change.js';
import { Outbox } from './outbox.js';
import { gather } from './payload.js';
import type {
  Cpg, FlowControl, GroupEvents, GroupListing, GroupView, Guarantee, Member,
} from './port.js';
import { check } from './status.js';

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'joining'; readonly name: Uint8Array; readonly change: MembershipChange }
  | { readonly kind: 'joined'; readonly name: Uint8Array }
  | { readonly kind: 'leaving'; readonly name: Uint8Array; readonly change: MembershipChange }
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
    const change = new MembershipChange('cpg_join', this.#clock, this.#limits);
    this.#state = { kind: 'joining', name: bytes, change };
    await this.#change(change, () => this.#connection.join(bytes), { kind: 'open' });
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
    const change = new MembershipChange('cpg_leave', this.#clock, this.#limits);
    this.#state = { kind: 'leaving', name, change };
    this.#outbox.dropQueued(notJoined('multicast'));
    await this.#change(change, () => this.#connection.leave(name), { kind: 'joined', name });
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

  /**
   * joining -> open and leaving -> joined, when the change was refused. After a time-out corosync
   * may still do it, so only closing leads out.
   */
  async #change(
    change: MembershipChange, call: () => Promise<number>, before: State,
  ): Promise<void> {
    try {
      await change.request(call);
    } catch (thrown) {
      const state = this.#state;
      const isUnderWay = 'change' in state && state.change === change;
      if (change.refused && isUnderWay) this.#state = before;
      throw thrown;
    }
  }

  #readable(): void {
    if (this.#isClosed()) return;
    const modules = { connection: this.#connection, clock: this.#clock };
    const cause = dispatchTurn(modules, this.#limits, (event) => {
      this.#handle(event);
      return !this.#isClosed();
    });
    if (cause !== null) this.#lose(cause);
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
      state.change.confirm();
    } else if (state.kind === 'leaving' && !within) {
      this.#state = { kind: 'left' };
      this.#outbox.drop(notJoined('multicast'));
      state.change.confirm();
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
    if ('change' in state) state.change.end(cause);
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
        return ended(operation, state.cause);
      case 'open':
      case 'joining':
      case 'joined':
      case 'leaving':
      case 'left':
        return operation === 'join' ? alreadyUsed(state.kind) : notJoined(operation);
    }
  }
}
