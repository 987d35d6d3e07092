import type { ChangeReason, GroupView, Member, MemberChange } from '../../cpg/index.js';
import type { NodeListChange } from '../../quorum/index.js';
import { ConfigMap } from '../cmap/config-map.js';
import { configure, recordRing, type Configuration } from '../cmap/configuration.js';
import type { Ring } from './ring.js';

/** What travels on the ring, in total order. */
export type Ordered =
  | { readonly kind: 'change'; readonly reason: 'join' | 'leave' | 'procdown';
      readonly group: string; readonly member: Member }
  | { readonly kind: 'message'; readonly group: string; readonly from: Member;
      readonly payload: Uint8Array; readonly sentBy: GroupClient };

/** A connection of a local process to the group service, as its corosync sees it. */
export interface GroupClient {
  readonly member: Member;
  /** The group it has joined or is joining or leaving; null otherwise. */
  readonly group: string | null;
  /** As `group`, and the one that it has left: no other connection of its process joins that. */
  readonly groupUsed: string | null;
  deliverMessage(from: Member, payload: Uint8Array, own: boolean): void;
  deliverView(view: GroupView): void;
  deliverRing(ring: Ring): void;
  /** corosync died. */
  lose(): void;
}

/** A connection of a local process to the quorum service. */
export interface QuorumClient {
  deliver(quorate: boolean, ring: Ring, change: NodeListChange): void;
  lose(): void;
}

/** A connection of a local process to the configuration map. */
export interface CmapClient {
  lose(): void;
}

export interface Queued {
  readonly readyAtMs: number;
  readonly ordered: Ordered;
}

/**
 * The corosync of one node: its replica of who is in which group, its clients and what they have
 * sent that has no place in the order yet. It decides nothing about time or topology.
 */
export class Corosync {
  readonly nodeId: number;
  running = false;
  ring: Ring | null = null;
  seqHighest = 0n;
  quorate = false;
  outgoing: Queued[] = [];
  readonly clients = new Set<GroupClient>();
  readonly quorumClients = new Set<QuorumClient>();
  readonly cmapClients = new Set<CmapClient>();
  /** Its configuration map, a new one at every start. */
  map = new ConfigMap();
  /** Members in the order of their joins. */
  readonly #groups = new Map<string, readonly Member[]>();
  /** Local pids whose join has been ordered and whose process lives, by group. */
  readonly #local = new Map<string, Set<number>>();
  /** Nodes whose end no group will be told of, until they are in a ring again. */
  readonly #ghosts = new Set<number>();

  constructor(nodeId: number) {
    this.nodeId = nodeId;
  }

  /** Begins to run, alone and in no ring yet. */
  start(configuration: Configuration): void {
    this.running = true;
    this.map = new ConfigMap();
    configure(this.map, this.nodeId, configuration);
  }

  membersOf(group: string): readonly Member[] {
    return this.#groups.get(group) ?? [];
  }

  get groupNames(): readonly string[] {
    return [...this.#groups.keys()];
  }

  /** What this node tells the others in a sync: its own members. */
  localMembers(group: string): readonly Member[] {
    return [...(this.#local.get(group) ?? [])].map((pid) => ({ nodeId: this.nodeId, pid }));
  }

  /** The process is gone or has left: the next sync does not name it. */
  forgetLocal(group: string, pid: number): void {
    this.#local.get(group)?.delete(pid);
  }

  /** That node is about to die, and its members stay in all groups: a fault of corosync's. */
  keepAsGhost(nodeId: number): void {
    this.#ghosts.add(nodeId);
  }

  /** Applies what the ring has ordered and tells the clients. */
  apply(ordered: Ordered): void {
    if (ordered.kind === 'message') {
      for (const client of this.#clientsIn(ordered.group)) {
        client.deliverMessage(ordered.from, ordered.payload, client === ordered.sentBy);
      }
      return;
    }
    const { group, member, reason } = ordered;
    const present = this.membersOf(group).some((other) => isSame(other, member));
    if (reason === 'join') {
      if (present) return;
      if (member.nodeId === this.nodeId) this.#addLocal(group, member.pid);
      this.#announce(group, [...this.membersOf(group), member], [], [{ ...member, reason }]);
      if (member.nodeId === this.nodeId) this.#welcome(group, member);
      return;
    }
    if (!present) return;
    if (member.nodeId === this.nodeId) this.forgetLocal(group, member.pid);
    const rest = this.membersOf(group).filter((other) => !isSame(other, member));
    this.#announce(group, rest, [{ ...member, reason }], []);
  }

  /**
   * Enters a new ring. `transitional` are the nodes that came with us from the same ring;
   * `membersNow` is what the joint lists of all nodes say of a group.
   * Order: confchg(left), confchg(joined), process deaths, then the ring.
   */
  install(
    ring: Ring,
    context: {
      readonly transitional: readonly number[];
      readonly quorate: boolean;
      readonly groups: ReadonlyMap<string, readonly Member[]>;
    },
  ): void {
    const { transitional, groups, quorate } = context;
    const before = this.ring?.nodeIds ?? [];
    this.ring = ring;
    this.seqHighest = ring.id.seq;
    this.quorate = quorate;
    recordRing(this.map, ring, before);
    const names = new Set([...this.groupNames, ...groups.keys()]);
    for (const name of names) this.#synchronize(name, groups.get(name) ?? [], transitional);
    for (const id of ring.nodeIds) this.#ghosts.delete(id);
    for (const client of this.clients) {
      if (this.#isJoined(client)) client.deliverRing(ring);
    }
    const change: NodeListChange = {
      ring: ring.id,
      members: ring.nodeIds,
      joined: ring.nodeIds.filter((id) => !transitional.includes(id)),
      left: before.filter((id) => !transitional.includes(id)),
    };
    for (const client of this.quorumClients) client.deliver(quorate, ring, change);
  }

  /** corosync dies: its clients are told, everything it knew is gone. */
  stop(): void {
    this.running = false;
    this.ring = null;
    this.quorate = false;
    this.outgoing = [];
    this.#groups.clear();
    this.#local.clear();
    this.#ghosts.clear();
    const clients = [...this.clients, ...this.quorumClients, ...this.cmapClients];
    this.clients.clear();
    this.quorumClients.clear();
    this.cmapClients.clear();
    for (const client of clients) client.lose();
  }

  #synchronize(group: string, now: readonly Member[], transitional: readonly number[]): void {
    const old = this.membersOf(group);
    const isKept = ({ nodeId }: Member): boolean =>
      transitional.includes(nodeId) || this.#ghosts.has(nodeId);
    const gone = old.filter((member) => !isKept(member));
    const kept = old.filter(isKept);
    if (gone.length > 0) this.#announce(group, kept, withReason(gone, 'nodedown'), []);
    const isAway = ({ nodeId }: Member): boolean => this.ring?.nodeIds.includes(nodeId) !== true;
    const alive = kept.filter((member) =>
      isAway(member) || now.some((other) => isSame(other, member)));
    const died = kept.filter((member) => !alive.includes(member));
    const arrived = now.filter((member) => !alive.some((other) => isSame(other, member)));
    if (arrived.length > 0) {
      this.#announce(group, [...kept, ...arrived], [], withReason(arrived, 'nodeup'));
    }
    for (const member of died) {
      const rest = this.membersOf(group).filter((other) => !isSame(other, member));
      this.#announce(group, rest, withReason([member], 'procdown'), []);
    }
  }

  #announce(
    group: string, members: readonly Member[],
    left: readonly MemberChange[], joined: readonly MemberChange[],
  ): void {
    const receivers = this.#clientsIn(group, [...members, ...left]);
    if (members.length === 0) this.#groups.delete(group);
    else this.#groups.set(group, members);
    for (const client of receivers) client.deliverView({ members, left, joined });
  }

  #welcome(group: string, member: Member): void {
    const { ring } = this;
    if (ring === null) return;
    for (const client of this.#clientsIn(group)) {
      if (isSame(client.member, member)) client.deliverRing(ring);
    }
  }

  #addLocal(group: string, pid: number): void {
    const pids = this.#local.get(group) ?? new Set<number>();
    pids.add(pid);
    this.#local.set(group, pids);
  }

  #isJoined(client: GroupClient): boolean {
    return client.group !== null && this.#clientsIn(client.group).includes(client);
  }

  #clientsIn(group: string, members = this.membersOf(group)): readonly GroupClient[] {
    return [...this.clients].filter((client) =>
      client.group === group && members.some((member) => isSame(member, client.member)));
  }
}

export function isSame(a: Member, b: Member): boolean {
  return a.nodeId === b.nodeId && a.pid === b.pid;
}

function withReason(members: readonly Member[], reason: ChangeReason): readonly MemberChange[] {
  return members.map((member) => ({ ...member, reason }));
}
