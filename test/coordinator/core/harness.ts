import type { Answer, Effect, LockAction } from '../../../src/coordinator/core/effect.js';
import type { CoreEvent, KernelOrphan, LeaveReason } from '../../../src/coordinator/core/event.js';
import type { Envelope, ManifestEntry, MessageBody } from '../../../src/coordinator/core/message.js';
import type { LockMode } from '../../../src/coordinator/core/mode.js';
import { ownerKey, type Owner } from '../../../src/coordinator/core/owner.js';
import { applyRecord, type ListedLock, type ListRecord } from '../../../src/coordinator/core/record.js';
import { initialState, type OwnLock, type Peer, type State } from '../../../src/coordinator/core/state.js';
import { step } from '../../../src/coordinator/core/step.js';

export const SELF = 1;
export const BOOT = 'boot-a';
export const RING = { nodeId: 1, seq: 4n };
export const ME = { nodeId: SELF, pid: 100 };

/** A list that is certain and has reserved nothing. */
export const FRESH = { upTo: 0, isCertain: true };

export const VM: Owner = { kind: 'named', name: 'vm-17' };
export const OTHER: Owner = { kind: 'named', name: 'vm-18' };
export const PROCESS: Owner = { kind: 'process', pid: 4711, startTime: 99 };

interface AcquireWish {
  readonly resource?: string;
  readonly mode?: LockMode;
  readonly owner?: Owner;
  readonly waitMs?: number | null;
}

/** One core with a clock of its own, a list that is replayed, and what it did last. */
export class Bench {
  readonly state: State = initialState(
    {
      nodeId: 0,
      nodeName: 'alpha',
      incarnation: 'a'.repeat(32),
      bootId: BOOT,
      lockspace: 'holdfast',
      group: 'holdfast',
      softwareVersion: '0.1.0',
    },
    1_790_000_000_000,
    1_000,
  );
  nowMs = 1_000;
  /**
   * What becomes of generations: `agrees`: every member says at once what it knows, claims come
   * back and marks are on disk before the step is over, and none of that shows in the effects.
   */
  group: 'agrees' | 'as told' = 'agrees';
  /** Sees the effects of each single step. */
  onStep: (effects: readonly Effect[]) => void = () => undefined;
  /** What the records so far leave, as the next start would find it. */
  readonly listed = new Map<number, ListedLock>();
  /** All answers so far, by caller. */
  readonly answers = new Map<number, Answer[]>();
  #nextCaller = 1;
  readonly #seqs = new Map<string, number>();

  send(event: CoreEvent): readonly Effect[] {
    const wallMs = 1_790_000_000_000 + this.nowMs;
    const effects = step(this.state, event, { wallMs, monotonicMs: this.nowMs });
    this.#take(effects);
    this.onStep(effects);
    return this.group === 'agrees' ? this.#agree(effects) : effects;
  }

  /** The effects without those of generations, and those of the steps that follow on them. */
  #agree(effects: readonly Effect[]): readonly Effect[] {
    const { epoch } = this.state.generations;
    if (epoch.kind === 'open') {
      for (const member of epoch.heard.keys()) epoch.heard.set(member, 'floor');
      epoch.hasToldFloor = true;
    }
    return effects.flatMap((effect) => {
      if (effect.kind === 'reserve-generations') {
        return this.send({ kind: 'generations-reserved', upTo: effect.above + 1_024 });
      }
      const isClaim = effect.kind === 'send' && effect.body.kind === 'claim';
      return isClaim ? this.echo(effect.body) : [effect];
    });
  }

  /** One of our own messages comes back. */
  echo(body: MessageBody, ring = RING): readonly Effect[] {
    const { incarnation } = this.state.self;
    const envelope = {
      protocolMin: 1, protocolMax: 1, nodeId: SELF, incarnation, seq: 1, ring, body,
    };
    return this.send({ kind: 'message', from: ME, envelope });
  }

  #take(effects: readonly Effect[]): void {
    for (const record of recordsOf(effects)) this.#write(record);
    for (const effect of effects) {
      if (effect.kind !== 'reply') continue;
      const before = this.answers.get(effect.caller) ?? [];
      this.answers.set(effect.caller, [...before, effect.answer]);
    }
  }

  #write(record: ListRecord): void {
    const change = applyRecord(this.listed, record);
    if (change === null) throw new Error(`the list would refuse ${JSON.stringify(record)}`);
    if (change.now === null) this.listed.delete(change.id);
    else this.listed.set(change.id, change.now);
  }

  /** Lets time pass and tells the core. */
  wait(delayMs: number): readonly Effect[] {
    this.nowMs += delayMs;
    return this.send({ kind: 'tick' });
  }

  caller(): number {
    return this.#nextCaller++;
  }

  acquire(wish: AcquireWish = {}): { caller: number; effects: readonly Effect[]; id: number } {
    const { resource = 'disk', mode = 'EX', owner = VM, waitMs = 0 } = wish;
    const caller = this.caller();
    const event = { caller, resource, lockName: resource, mode, owner, waitMs } as const;
    const effects = this.send({ kind: 'acquire', ...event });
    return { caller, effects, id: this.find(resource, owner)?.facts.id ?? -1 };
  }

  /** Acquires and is granted. */
  hold(wish: AcquireWish = {}): number {
    const { id } = this.acquire(wish);
    this.send({ kind: 'granted', id });
    return id;
  }

  convert(
    mode: LockMode,
    wish: Omit<AcquireWish, 'mode'> = {},
  ): { caller: number; effects: readonly Effect[] } {
    const { resource = 'disk', owner = VM, waitMs = 0 } = wish;
    const caller = this.caller();
    const effects = this.send({ kind: 'convert', caller, resource, owner, mode, waitMs });
    return { caller, effects };
  }

  convertFail(id: number, code: string): readonly Effect[] {
    return this.send({ kind: 'convert-failed', id, failure: { code, message: code } });
  }

  /** The mode in which a lock is held, and what it is being converted to: `PR -> EX`. */
  mode(id: number): string {
    const lock = this.state.locks.get(id);
    if (lock === undefined) return 'none';
    const { facts, phase } = lock;
    return phase.kind === 'converting' ? `${facts.mode} -> ${phase.to}` : facts.mode;
  }

  release(
    owner: Owner = VM,
    resource = 'disk',
  ): { caller: number; effects: readonly Effect[] } {
    const caller = this.caller();
    return { caller, effects: this.send({ kind: 'release', caller, resource, owner }) };
  }

  fail(id: number, code: string): readonly Effect[] {
    return this.send({ kind: 'take-failed', id, failure: { code, message: code } });
  }

  adoptFail(id: number, code: string): readonly Effect[] {
    return this.send({ kind: 'adopt-failed', id, failure: { code, message: code } });
  }

  find(resource: string, owner: Owner): OwnLock | undefined {
    return [...this.state.locks.values()].find(
      ({ facts }) =>
        facts.resource === resource &&
        facts.owner !== null &&
        ownerKey(facts.owner) === ownerKey(owner),
    );
  }

  phase(id: number): string {
    return this.state.locks.get(id)?.phase.kind ?? 'none';
  }

  /** The only answer of this caller; throws when there is none, or more than one. */
  answer(caller: number): Answer {
    const answers = this.answers.get(caller) ?? [];
    const only = answers[0];
    if (answers.length !== 1 || only === undefined) {
      throw new Error(`caller ${caller} got ${answers.length} answers`);
    }
    return only;
  }

  /** The code of a refusal, or the kind of any other answer; `open` while there is none. */
  outcome(caller: number): string {
    if (!this.answers.has(caller)) return 'open';
    const answer = this.answer(caller);
    return answer.kind === 'refused' ? answer.code : answer.kind;
  }

  /** Loses the lockspace: all locks become orphans. */
  lose(): readonly Effect[] {
    return this.send({ kind: 'lockspace-lost', reason: 'the child died' });
  }

  open(orphans: readonly KernelOrphan[] | null = []): readonly Effect[] {
    return this.send({ kind: 'lockspace-open', opening: this.state.opening + 1, orphans });
  }

  running(members: readonly number[] = [1, 2, 3], askedMs = this.nowMs): readonly Effect[] {
    return this.send({
      kind: 'lockspace-condition', condition: { kind: 'running', members }, askedMs,
    });
  }

  stopped(what = 'fencing'): readonly Effect[] {
    return this.send({
      kind: 'lockspace-condition',
      condition: { kind: 'waiting', for: what, members: [1, 2, 3] },
      askedMs: this.nowMs,
    });
  }

  quorum(quorate = true, nodeIds: readonly number[] = [1, 2, 3]): readonly Effect[] {
    return this.send({ kind: 'quorum', quorate, nodeIds });
  }

  /** A view of these nodes, each with pid 100 x its id. */
  view(
    nodes: readonly number[],
    change: {
      readonly left?: readonly (readonly [number, LeaveReason])[];
      readonly joined?: readonly (readonly [number, LeaveReason])[];
    } = {},
  ): readonly Effect[] {
    const member = (nodeId: number): { nodeId: number; pid: number } => {
      return { nodeId, pid: nodeId * 100 };
    };
    return this.send({
      kind: 'view',
      members: nodes.map(member),
      left: (change.left ?? []).map(([id, reason]) => ({ ...member(id), reason })),
      joined: (change.joined ?? []).map(([id, reason]) => ({ ...member(id), reason })),
    });
  }

  ring(seq: bigint): readonly Effect[] {
    return this.send({ kind: 'ring', ring: { nodeId: 1, seq } });
  }

  /** A message of a peer, in the present ring, with its next sequence number. */
  hear(nodeId: number, body: MessageBody, over: Partial<Envelope> = {}): readonly Effect[] {
    const incarnation = over.incarnation ?? `${nodeId}`.repeat(32);
    const seq = (this.#seqs.get(incarnation) ?? 0) + 1;
    this.#seqs.set(incarnation, seq);
    const { group } = this.state;
    const ring = (group.kind === 'away' ? null : group.ring) ?? RING;
    const envelope = { protocolMin: 1, protocolMax: 1, nodeId, incarnation, seq, ring, body };
    const from = { nodeId, pid: nodeId * 100 };
    return this.send({ kind: 'message', from, envelope: { ...envelope, ...over } });
  }

  /** Has a peer tell its whole manifest. */
  tell(nodeId: number, manifestVersion: number, entries: readonly ManifestEntry[]): void {
    this.hear(nodeId, { kind: 'snapshot', manifestVersion, part: 0, parts: 1, entries });
  }

  peer(nodeId: number): Peer {
    const peer = this.state.peers.get(nodeId);
    if (peer === undefined) throw new Error(`node ${nodeId} is not known`);
    return peer;
  }
}

/** A core whose start is complete: three nodes, quorum, the lockspace open and running. */
export function startedBench(
  listed: readonly ListedLock[] = [],
  orphans: readonly KernelOrphan[] | null = [],
): Bench {
  const bench = foundBench(listed);
  bench.open(orphans);
  return joined(bench);
}

/** A core that has read its list and nothing else. */
export function foundBench(listed: readonly ListedLock[], generations = FRESH): Bench {
  const bench = new Bench();
  for (const entry of listed) bench.listed.set(entry.lock.id, entry);
  bench.send({ kind: 'list-found', locks: listed, generations });
  bench.quorum();
  bench.running();
  return bench;
}

/** Joins the group, as the daemon does once adoption is over. */
export function joined(bench: Bench): Bench {
  bench.send({ kind: 'group-joining', self: ME });
  bench.view([1, 2, 3], { joined: [[1, 'join']] });
  bench.send({ kind: 'ring', ring: RING });
  return bench;
}

export function listedLock(
  id: number,
  state: ListedLock['state'],
  facts: Partial<ListedLock['lock']> = {},
  to: LockMode | null = null,
): ListedLock {
  const resource = facts.resource ?? 'disk';
  const lock = { id, resource, lockName: resource, mode: 'EX' as const, owner: VM, bootId: BOOT };
  const why = state === 'releasing' ? 'asked for' : null;
  const isHeld = state === 'held' || state === 'converting';
  const generation = isHeld && (facts.mode ?? 'EX') === 'EX' ? 7 : null;
  return { lock: { ...lock, ...facts }, state, since: 1_780_000_000_000, to, why, generation };
}

export function entryOf(id: number, facts: Partial<ManifestEntry> = {}): ManifestEntry {
  return {
    id, resource: 'disk', lockspace: 'holdfast', mode: 'EX', converting: null, state: 'held',
    owner: OTHER, since: 1_780_000_000_000, generation: null, ...facts,
  };
}

export function recordsOf(effects: readonly Effect[]): readonly ListRecord[] {
  return effects.flatMap((effect) => (effect.kind === 'persist' ? effect.records : []));
}

export function actionsOf(effects: readonly Effect[]): readonly LockAction[] {
  return effects.flatMap((effect) => (effect.kind === 'lock' ? [effect.action] : []));
}

/** Each lock action as `take 1`. */
export function actionNames(effects: readonly Effect[]): readonly string[] {
  return actionsOf(effects).map((action) => `${action.kind} ${action.id}`);
}

/** Each record as `held 1`. */
export function recordNames(effects: readonly Effect[]): readonly string[] {
  return recordsOf(effects).map((record) => {
    return `${record.kind} ${'lock' in record ? record.lock.id : record.id}`;
  });
}

export function sentBodies(effects: readonly Effect[]): readonly MessageBody[] {
  return effects.flatMap((effect) => (effect.kind === 'send' ? [effect.body] : []));
}

/** The kinds of the effects, published events and log lines left out. */
export function kindsOf(effects: readonly Effect[]): readonly string[] {
  return effects
    .map(({ kind }) => kind)
    .filter((kind) => kind !== 'publish' && kind !== 'tell' && kind !== 'log');
}

export function logsOf(effects: readonly Effect[], level?: string): readonly string[] {
  return effects.flatMap((effect) => {
    return effect.kind === 'log' && (level === undefined || effect.level === level)
      ? [effect.message]
      : [];
  });
}

export function isSnapshotSent(effects: readonly Effect[]): boolean {
  return effects.some(({ kind }) => kind === 'send-snapshot');
}
