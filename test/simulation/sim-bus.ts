import type { Clock } from '../../src/clock.js';
import type {
  ChangeReason, Group, GroupEvents, Member, MemberChange,
} from '../../src/cpg/index.js';
import { Mailbox } from '../../src/embedded/mailbox.js';
import { IsolatingEmitter } from '../../src/native/emitter.js';
import type { Quorum, QuorumEvents } from '../../src/quorum/index.js';

/** The process that has a connection to the bus. */
export interface BusUser {
  readonly nodeId: number;
  readonly pid: number;
  readonly clock: Clock;
  pass(label: string): boolean;
}

/** Corosync of a whole cluster, without its delays: total order, views, one ring at a time. */
export class SimBus {
  readonly #members: SimGroup[] = [];
  readonly #quorums = new Set<SimQuorum>();
  #nodeIds: readonly number[];
  #ring = 1n;

  constructor(nodeIds: readonly number[]) {
    this.#nodeIds = nodeIds;
  }

  openGroup(user: BusUser): Group {
    return new SimGroup(this, user);
  }

  openQuorum(user: BusUser): Quorum {
    return new SimQuorum(user, (quorum) => {
      this.#quorums.add(quorum);
      this.#tell(quorum);
    });
  }

  join(group: SimGroup): void {
    this.#members.push(group);
    this.#view([], [{ ...group.self, reason: 'join' }]);
    group.post(() => group.emit('ring', this.#ringId(), this.#nodeIds));
  }

  leave(group: SimGroup, reason: ChangeReason): void {
    const at = this.#members.indexOf(group);
    if (at < 0) return;
    this.#members.splice(at, 1);
    this.#view([{ ...group.self, reason }], []);
  }

  multicast(from: Member, payload: Uint8Array): void {
    for (const group of this.#members) {
      group.post(() => group.emit('message', from, payload));
    }
  }

  /** The process is dead: nothing reaches it any more. */
  disconnect(user: BusUser): void {
    for (const quorum of [...this.#quorums]) if (quorum.user === user) this.#quorums.delete(quorum);
    for (const group of [...this.#members]) if (group.user === user) this.leave(group, 'procdown');
  }

  /** A ring of these nodes has formed; the processes of the others are gone by now. */
  setRing(nodeIds: readonly number[]): void {
    this.#nodeIds = nodeIds;
    this.#ring += 1n;
    for (const group of this.#members) {
      group.post(() => group.emit('ring', this.#ringId(), this.#nodeIds));
    }
    for (const quorum of this.#quorums) this.#tell(quorum);
  }

  #view(left: readonly MemberChange[], joined: readonly MemberChange[]): void {
    const members = this.#members.map(({ self }) => self);
    for (const group of this.#members) {
      group.post(() => group.emit('view', { members, left, joined }));
    }
  }

  #tell(quorum: SimQuorum): void {
    const nodeIds = this.#nodeIds;
    const state = { quorate: true, ring: this.#ringId(), nodeIds };
    quorum.user.clock.setTimer(0, () => quorum.emit('quorum', state));
  }

  #ringId(): { nodeId: number; seq: bigint } {
    return { nodeId: 1, seq: this.#ring };
  }
}

class SimGroup extends IsolatingEmitter<GroupEvents> implements Group {
  readonly payloadBytesMax = 1_000_000;
  readonly self: Member;
  readonly user: BusUser;
  readonly #bus: SimBus;
  readonly #mailbox: Mailbox;

  constructor(bus: SimBus, user: BusUser) {
    super();
    this.#bus = bus;
    this.user = user;
    this.self = { nodeId: user.nodeId, pid: user.pid };
    this.#mailbox = new Mailbox(user.clock);
  }

  post(letter: () => void): void {
    this.#mailbox.post(letter);
  }

  join(): Promise<void> {
    if (this.user.pass('before join')) this.#bus.join(this);
    return Promise.resolve();
  }

  multicast(payload: Uint8Array | readonly Uint8Array[]): Promise<void> {
    if (!this.user.pass('before send')) return Promise.resolve();
    const bytes = payload instanceof Uint8Array ? payload : Buffer.concat(payload);
    this.#bus.multicast(this.self, bytes);
    this.user.pass('after send');
    return Promise.resolve();
  }

  leave(): Promise<void> {
    if (this.user.pass('before leave')) this.#bus.leave(this, 'leave');
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#mailbox.close();
    return Promise.resolve();
  }
}

class SimQuorum extends IsolatingEmitter<QuorumEvents> implements Quorum {
  readonly user: BusUser;
  readonly #started: (quorum: SimQuorum) => void;

  constructor(user: BusUser, started: (quorum: SimQuorum) => void) {
    super();
    this.user = user;
    this.#started = started;
  }

  start(): Promise<void> {
    this.#started(this);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  isQuorate(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
