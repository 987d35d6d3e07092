import type { Clock } from '../../clock.js';
import { IsolatingEmitter } from '../../native/emitter.js';
import { groupName } from '../../cpg/group-name.js';
import { guaranteeType } from '../../cpg/guarantee.js';
import {
  CpgError, type Cpg, type FlowControl, type GroupEvents, type GroupListing, type GroupView,
  type Guarantee, type Member,
} from '../../cpg/index.js';
import { gather } from '../../cpg/payload.js';
import { Mailbox } from '../mailbox.js';
import { isSame, type Corosync, type GroupClient } from './corosync.js';
import type { Network } from './network.js';
import type { Ring } from './ring.js';

/** The largest message that corosync takes in one piece. */
export const PAYLOAD_BYTES_MAX = 1_047_552;
/** How many multicasts may wait for their echo. */
export const PENDING_MAX = 1_024;

interface Settling {
  readonly resolve: () => void;
  readonly reject: (cause: CpgError) => void;
}

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'joining'; readonly group: string; readonly done: Settling }
  | { readonly kind: 'joined'; readonly group: string }
  | { readonly kind: 'leaving'; readonly group: string; readonly done: Settling }
  /** Has left; corosync lets no connection join twice, nor its process while it is open. */
  | { readonly kind: 'left'; readonly from: string }
  | { readonly kind: 'ended'; readonly code: 'LOST' | 'CLOSED' };

/** The embedded side of the Cpg port: one connection of one embedded process. */
export class EmbeddedGroup extends IsolatingEmitter<GroupEvents> implements Cpg, GroupClient {
  readonly self: Member;
  readonly payloadBytesMax = PAYLOAD_BYTES_MAX;
  /** There is nothing to poll. */
  readonly fd = null;
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #mailbox: Mailbox;
  #state: State = { kind: 'open' };
  #pending: Settling[] = [];
  readonly #asked = new Set<(cause: CpgError) => void>();
  #context = 0n;

  constructor(self: Member, modules: { readonly clock: Clock; readonly network: Network }) {
    super();
    this.self = self;
    this.#network = modules.network;
    this.#clock = modules.clock;
    this.#mailbox = new Mailbox(modules.clock, () => modules.network.deliveryDelayMs());
    modules.network.corosync(self.nodeId).clients.add(this);
  }

  get member(): Member {
    return this.self;
  }

  get group(): string | null {
    return 'group' in this.#state ? this.#state.group : null;
  }

  get context(): bigint {
    this.#checkOpen('context');
    return this.#context;
  }

  set context(value: bigint) {
    this.#checkOpen('context');
    if (typeof value !== 'bigint' || value !== BigInt.asUintN(64, value)) {
      throw new CpgError('INVALID_PARAM', 'context', 'context: give a bigint of 0 to 2^64 - 1');
    }
    this.#context = value;
  }

  get groupUsed(): string | null {
    return this.#state.kind === 'left' ? this.#state.from : this.group;
  }

  async join(given: string | Uint8Array): Promise<void> {
    const name = keyOf(groupName('join', given));
    this.#checkOpen('join');
    const others = [...this.#network.corosync(this.self.nodeId).clients];
    const taken = others.some((other) =>
      other.groupUsed === name && isSame(other.member, this.self));
    if (this.#state.kind !== 'open' || taken) {
      throw new CpgError('EXIST', 'join', `join: this process is in a group already; leave it, or open another connection for another group`);
    }
    await new Promise<void>((resolve, reject) => {
      this.#state = { kind: 'joining', group: name, done: { resolve, reject } };
      this.#sendChange('join', name);
    });
  }

  multicast(
    payload: Uint8Array | readonly Uint8Array[], guarantee: Guarantee = 'agreed',
  ): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'joined') return Promise.reject(this.#refusal('multicast'));
    try {
      // Corosync, too, takes any of them for the total order.
      guaranteeType(guarantee);
      return this.#send(state.group, gather(payload, PAYLOAD_BYTES_MAX));
    } catch (thrown) {
      return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #send(group: string, payload: Uint8Array): Promise<void> {
    if (this.#pending.length >= PENDING_MAX) {
      return Promise.reject(new CpgError('QUEUE_FULL', 'multicast', `multicast: ${PENDING_MAX} messages wait for their echo already; wait for some of them`, { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#network.send(this.self.nodeId, {
        kind: 'message', group, from: this.self, payload, sentBy: this,
      });
    });
  }

  membership(): Promise<readonly Member[]> {
    const state = this.#state;
    if (state.kind !== 'joined') return Promise.reject(this.#refusal('membership'));
    return this.#ask('membership', (corosync) => corosync.membersOf(state.group));
  }

  groupNames(): Promise<readonly Uint8Array[]> {
    return this.#ask('groupNames', (corosync) => corosync.groupNames.map(bytesOf));
  }

  groups(): Promise<readonly GroupListing[]> {
    return this.#ask('groups', (corosync) => corosync.groupNames.map((name) => ({
      name: bytesOf(name), members: corosync.membersOf(name),
    })));
  }

  membersOf(name: string | Uint8Array): Promise<readonly Member[]> {
    return this.#ask('membersOf', (corosync) =>
      corosync.membersOf(keyOf(groupName('membersOf', name))));
  }

  localNodeId(): Promise<number> {
    return this.#ask('localNodeId', ({ nodeId }) => nodeId);
  }

  flowControl(): FlowControl {
    this.#checkOpen('flowControl');
    return 'disabled';
  }

  async leave(): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'joined') throw this.#refusal('leave');
    await new Promise<void>((resolve, reject) => {
      this.#state = { kind: 'leaving', group: state.group, done: { resolve, reject } };
      this.#sendChange('leave', state.group);
    });
  }

  close(): Promise<void> {
    this.disconnect();
    return Promise.resolve();
  }

  /**
   * The connection goes away: by close, or because the process has died. A dead process's
   * promises never settle, so end its clock and call this with `silent`.
   */
  disconnect(silent = false): void {
    const state = this.#state;
    if (state.kind === 'ended') return;
    if (silent) this.#pending = [];
    const corosync = this.#network.corosync(this.self.nodeId);
    corosync.clients.delete(this);
    if ('group' in state && state.kind !== 'leaving') {
      this.#network.forgetLocal(this.self, state.group);
      this.#sendChange('procdown', state.group);
    }
    if (!silent) this.#end('CLOSED');
    else this.#mailbox.close();
  }

  deliverMessage(from: Member, payload: Uint8Array, own: boolean): void {
    this.#mailbox.post(() => {
      this.emit('message', from, Uint8Array.from(payload));
      if (own) this.#pending.shift()?.resolve();
    });
  }

  deliverView(view: GroupView): void {
    this.#mailbox.post(() => {
      const state = this.#state;
      const within = view.members.some((member) => isSame(member, this.self));
      if (state.kind === 'joining' && within) {
        this.#state = { kind: 'joined', group: state.group };
      } else if (state.kind === 'leaving' && !within) {
        this.#state = { kind: 'left', from: state.group };
        this.#rejectPending(notJoined('multicast'));
      }
      this.emit('view', view);
      if (state.kind === 'joining' && within) state.done.resolve();
      if (state.kind === 'leaving' && !within) state.done.resolve();
    });
  }

  deliverRing(ring: Ring): void {
    this.#mailbox.post(() => {
      this.emit('ring', ring.id, ring.nodeIds);
    });
  }

  lose(): void {
    if (this.#state.kind === 'ended') return;
    // In a later turn of the process, and behind what it has been delivered already.
    this.#mailbox.post(() => {
      if (this.#state.kind === 'ended') return;
      this.#end('LOST');
      this.emit('lost', this.#refusal('dispatch'));
    });
  }

  /** Answered by this node's corosync a delivery later; every call is a message to it. */
  #ask<Answer>(operation: string, read: (corosync: Corosync) => Answer): Promise<Answer> {
    if (this.#state.kind === 'ended') return Promise.reject(this.#refusal(operation));
    return new Promise((resolve, reject) => {
      this.#asked.add(reject);
      this.#clock.setTimer(this.#network.deliveryDelayMs(), () => {
        if (!this.#asked.delete(reject)) return;
        try {
          resolve(read(this.#network.corosync(this.self.nodeId)));
        } catch (thrown) {
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      });
    });
  }

  #checkOpen(operation: string): void {
    if (this.#state.kind === 'ended') throw this.#refusal(operation);
  }

  #sendChange(reason: 'join' | 'leave' | 'procdown', group: string): void {
    if (!this.#network.corosync(this.self.nodeId).running) return;
    this.#network.send(this.self.nodeId, { kind: 'change', reason, group, member: this.self });
  }

  #end(code: 'LOST' | 'CLOSED'): void {
    const state = this.#state;
    this.#state = { kind: 'ended', code };
    this.#mailbox.close();
    if ('done' in state) state.done.reject(this.#refusal(state.kind));
    this.#rejectPending(this.#refusal('multicast'));
    for (const reject of this.#asked) reject(this.#refusal('question'));
    this.#asked.clear();
  }

  #rejectPending(cause: CpgError): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { reject } of pending) reject(cause);
  }

  #refusal(operation: string): CpgError {
    if (this.#state.kind !== 'ended') return notJoined(operation);
    const text = this.#state.code === 'LOST'
      ? 'the connection to corosync is gone; open a new group once corosync runs'
      : 'the group was closed; open a new one';
    return new CpgError(this.#state.code, operation, `${operation}: ${text}`);
  }
}

function notJoined(operation: string): CpgError {
  return new CpgError('NOT_JOINED', operation, `${operation}: not in a group; join one first`);
}

/** The bus keeps names as texts; one character for each byte keeps all of them apart. */
function keyOf(name: Uint8Array): string {
  return Buffer.from(name).toString('latin1');
}

function bytesOf(key: string): Uint8Array {
  return Uint8Array.from(Buffer.from(key, 'latin1'));
}
