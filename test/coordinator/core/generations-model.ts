import {
  closeEpoch, expire, forgetMember, hearClaim, hearFloor, hearHello, initialGenerations,
  makeClaim, mayClaim, mayTellFloor, onReserved, openEpoch, proveEcho, raiseForLoss, reserveAbove,
  startAt, type Claim, type Generations,
} from '../../../src/coordinator/core/generations.js';

type Body =
  | { readonly kind: 'hello'; readonly view: string; readonly floor: number }
  | { readonly kind: 'floor'; readonly view: string; readonly floor: number }
  | { readonly kind: 'claim'; readonly claim: Claim };
type Message = { readonly from: number; readonly run: number; readonly body: Body };

/** One order of messages, for as long as its nodes stay together. */
interface Ring {
  readonly id: number;
  readonly nodes: readonly number[];
  readonly log: (Message | { readonly view: string; readonly lost: boolean })[];
}

interface Daemon {
  readonly run: number;
  readonly generations: Generations;
  ring: Ring;
  /** How much of the ring's log it has handled. */
  handled: number;
  /** Resources that the kernel has granted it and that have no number yet, by lock id. */
  readonly granted: Map<number, string>;
  readonly held: Map<number, string>;
}

/**
 * Nodes, a kernel that grants a resource to one of them at a time, and a group as corosync keeps
 * it: one order, echoes that only their author got, holes in what survivors deliver before they
 * hear of a loss. Drives the functions of generations.ts as the core does.
 */
export class GenerationsModel {
  readonly marks: number[];
  readonly daemons: (Daemon | null)[];
  readonly #holders = new Map<string, number>();
  /** The last number told, by resource. */
  readonly #told = new Map<string, number>();
  /** The ring that is being formed: without the token of the old one nobody sends in that. */
  #forming: Ring | null = null;
  #rings = 0;
  #ids = 0;
  #nowMs = 0;
  toldCount = 0;

  constructor(size: number) {
    this.marks = Array.from({ length: size }, () => 0);
    this.daemons = Array.from({ length: size }, () => null);
    for (let node = 0; node < size; node += 1) this.start(node);
  }

  /** A daemon starts on a node that has none and joins those that run. */
  start(node: number): Daemon | null {
    if (this.daemons[node] !== null) return null;
    const generations = initialGenerations();
    // A clock that stands still: the marks alone must do.
    startAt(generations, { upTo: this.marks[node] ?? 0, told: 0 }, 1_000);
    const nobody: Ring = { id: -1, nodes: [], log: [] };
    this.#ids += 1;
    const daemon: Daemon = {
      run: this.#ids, generations, ring: nobody, handled: 0, granted: new Map(), held: new Map(),
    };
    this.daemons[node] = daemon;
    this.#form(this.#living(), false);
    return daemon;
  }

  /** Power off: DLM recovers, then others may have what the node held. */
  kill(node: number, choice: number): void {
    const lost = this.daemons[node];
    if (lost === null || lost === undefined || !this.#isMajority(this.#living().length - 1)) return;
    this.daemons[node] = null;
    this.#form(this.#living(), true, choice);
    for (const [resource, holder] of this.#holders) {
      if (holder === node) this.#holders.delete(resource);
    }
  }

  /** All nodes lose power at once and come back; each has its own disk and nothing else. */
  blackout(): void {
    for (const node of this.#living()) this.daemons[node] = null;
    this.#holders.clear();
    for (const node of this.daemons.keys()) this.start(node);
  }

  #isMajority(count: number): boolean {
    return count * 2 > this.daemons.length;
  }

  #living(): number[] {
    return this.daemons.flatMap((daemon, node) => (daemon === null ? [] : [node]));
  }

  /**
   * A new ring. Survivors first handle what any of them got of the old one; with a loss, what
   * only the lost node had is missing, and their own messages behind it are not.
   */
  #form(nodes: readonly number[], isLoss: boolean, choice = 0): void {
    const old = nodes.flatMap((node) => this.daemons[node] ?? []).find(({ ring }) => ring.id >= 0);
    this.#rings += 1;
    const view = `${this.#rings}:${nodes.join()}`;
    const ring: Ring = { id: this.#rings, nodes, log: [{ view, lost: isLoss }] };
    const stayed = nodes.filter((node) => this.daemons[node]?.ring === old?.ring);
    const got = Math.max(0, ...stayed.map((node) => this.daemons[node]?.handled ?? 0));
    const all = old?.ring.log ?? [];
    const heard = isLoss ? Math.min(all.length, got + (choice % 3)) : all.length;
    const rest = all.slice(heard).filter((entry) => 'from' in entry && stayed.includes(entry.from));
    if (old !== undefined && isLoss) old.ring.log.splice(heard, all.length, ...rest);
    this.#forming = ring;
    for (const node of stayed) while (this.handle(node)) { /* up to the change */ }
    this.#forming = null;
    for (const node of nodes) {
      const daemon = this.daemons[node];
      if (daemon === null || daemon === undefined) continue;
      daemon.ring = ring;
      daemon.handled = 0;
    }
  }

  /** The daemon of a node handles the next thing of its ring; false when there is none. */
  handle(node: number): boolean {
    const daemon = this.daemons[node];
    const entry = daemon?.ring.log[daemon.handled];
    if (daemon === null || daemon === undefined || entry === undefined) return false;
    daemon.handled += 1;
    const { generations } = daemon;
    if ('from' in entry) this.#hear(node, daemon, entry);
    else {
      if (entry.lost) raiseForLoss(generations);
      closeEpoch(generations, this.#nowMs);
      const others = daemon.ring.nodes.filter((other) => other !== node).map(String);
      openEpoch(generations, entry.view, { self: String(node), others }, this.#nowMs);
      const body = { kind: 'hello', view: entry.view, floor: generations.known } as const;
      this.#send(node, daemon, body);
    }
    this.#settle(node, daemon);
    return true;
  }

  #hear(node: number, daemon: Daemon, { from, run, body }: Message): void {
    const { generations } = daemon;
    if (body.kind === 'hello') hearHello(generations, String(from), body);
    else if (body.kind === 'floor') hearFloor(generations, String(from), body);
    else {
      const isOwn = from === node && run === daemon.run;
      const claimed = hearClaim(generations, body.claim, isOwn);
      for (const [at, id] of (claimed?.lockIds ?? []).entries()) {
        this.#tell(node, daemon, id, (claimed?.first ?? 0) + at);
      }
    }
  }

  #tell(node: number, daemon: Daemon, id: number, number: number): void {
    const resource = daemon.granted.get(id);
    if (resource === undefined) return;
    const last = this.#told.get(resource) ?? 0;
    if (number <= last) throw new Error(`n${node} tells ${number} for ${resource} after ${last}`);
    if (number > (this.marks[node] ?? 0)) throw new Error(`n${node}: ${number} is above its mark`);
    this.#told.set(resource, number);
    this.toldCount += 1;
    daemon.granted.delete(id);
    daemon.held.set(id, resource);
  }

  #settle(node: number, daemon: Daemon): void {
    const { generations, granted } = daemon;
    const above = reserveAbove(generations, this.#nowMs);
    if (above !== null) {
      this.marks[node] = above + 1_024;
      onReserved(generations, above + 1_024);
    }
    const { epoch } = generations;
    if (epoch.kind === 'open' && mayTellFloor(generations)) {
      epoch.hasToldFloor = true;
      this.#send(node, daemon, { kind: 'floor', view: epoch.view, floor: generations.known });
    }
    const proof = proveEcho(generations, this.#nowMs);
    if (proof !== null) this.#send(node, daemon, { kind: 'claim', claim: proof });
    if (granted.size === 0 || !mayClaim(generations)) return;
    const claim = makeClaim(generations, [...granted.keys()], this.#nowMs);
    this.#send(node, daemon, { kind: 'claim', claim });
  }

  /** What is sent while the ring changes goes into the new one, as CPG does it. */
  #send(node: number, daemon: Daemon, body: Body): void {
    (this.#forming ?? daemon.ring).log.push({ from: node, run: daemon.run, body });
  }

  /** The kernel grants a free resource to a node. */
  grant(node: number, resource: string): void {
    const daemon = this.daemons[node];
    if (daemon === null || daemon === undefined || this.#holders.has(resource)) return;
    this.#holders.set(resource, node);
    this.#ids += 1;
    daemon.granted.set(this.#ids, resource);
    this.#settle(node, daemon);
  }

  /** A node gives back whatever it was told to hold. */
  release(node: number): void {
    const daemon = this.daemons[node];
    for (const [id, resource] of daemon?.held ?? []) {
      daemon?.held.delete(id);
      this.#holders.delete(resource);
    }
  }

  /** The daemon alone dies: what it had stays with the node, and the next run claims it anew. */
  restart(node: number): void {
    const daemon = this.daemons[node];
    if (daemon === null || daemon === undefined) return;
    // Its end stands in the order: the others handle all of it before.
    for (const other of this.#living()) {
      if (other === node) continue;
      while (this.handle(other)) { /* up to its end */ }
      const left = this.daemons[other];
      if (left !== null && left !== undefined) forgetMember(left.generations, String(node));
    }
    this.daemons[node] = null;
    const next = this.start(node);
    for (const [id, resource] of daemon.granted) next?.granted.set(id, resource);
    for (const [id, resource] of daemon.held) next?.held.set(id, resource);
  }

  tick(delayMs: number): void {
    this.#nowMs += delayMs;
    for (const node of this.#living()) {
      const daemon = this.daemons[node];
      if (daemon !== null && daemon !== undefined) expire(daemon.generations, this.#nowMs, 1_000);
    }
  }
}
