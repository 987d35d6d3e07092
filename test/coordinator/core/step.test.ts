import test from 'ava';
import fc from 'fast-check';

import type { Effect } from '../../../src/coordinator/core/effect.js';
import type { CoreEvent } from '../../../src/coordinator/core/event.js';
import { covers, type LockMode } from '../../../src/coordinator/core/mode.js';
import { convertMode } from '../../../src/coordinator/core/own-locks.js';
import { ownerKey, type Owner } from '../../../src/coordinator/core/owner.js';
import { Bench, FRESH, actionsOf, joined, logsOf, ME, OTHER, PROCESS, VM } from './harness.js';
import { KernelModel } from './kernel-model.js';
import type { LockView } from '../../../src/coordinator/core/view.js';

const OWNERS: readonly Owner[] = [VM, OTHER, PROCESS];
const RESOURCES = ['a', 'b', 'c'];
const MODES: readonly LockMode[] = ['EX', 'PR', 'EX', 'PR', 'NL', 'CW', 'PW', 'CR'];
const WAITS_MS = [0, 50, 2_500, null];
const RUNS = 3_000;

const ORDER: Readonly<Record<Effect['kind'], number>> = {
  persist: 0, send: 1, 'send-snapshot': 1, lock: 2, 'read-locks': 2, 'reserve-generations': 2, 'watch-owner': 2,
  'unwatch-owner': 2, 'confirm-set': 2, 'confirm-held': 2,
  reply: 3, publish: 3, log: 3, tell: -1,
};

/** A core beside a model of the kernel, with what its owners were told. */
class World {
  readonly bench = new Bench();
  readonly kernel = new KernelModel();
  readonly asked = new Set<number>();
  readonly gone = new Set<number>();
  /** Locks whose owner was told that it holds them and has not given them up since. */
  readonly told = new Map<string, number>();
  /** By the same key: the mode that its owner may count on, but for the converts it asked for. */
  readonly counted = new Map<string, LockMode>();
  /** Converts that were asked for and not refused, by caller. */
  readonly converts = new Map<number, { readonly key: string; readonly goal: LockMode }>();
  readonly watched = new Map<number, Owner>();
  /** No grant is listed while it is. */
  isDiskFull = false;

  constructor() {
    this.bench.onStep = (effects) => this.check(effects);
    this.send({ kind: 'list-found', locks: [], generations: FRESH });
    this.send({ kind: 'quorum', quorate: true, nodeIds: [1, 2, 3] });
    this.running();
    this.open(true);
    this.join();
  }

  running(): void {
    const condition = { kind: 'running', members: [1, 2, 3] } as const;
    this.send({ kind: 'lockspace-condition', condition, askedMs: this.bench.nowMs });
  }

  open(tables: boolean): void {
    if (this.kernel.isOpen) return;
    this.kernel.isOpen = true;
    this.send({ kind: 'lockspace-open', opening: 1, orphans: tables ? [...this.kernel.orphans] : null });
  }

  lose(choice: number): void {
    if (!this.kernel.isOpen) return;
    this.kernel.lose(choice);
    this.send({ kind: 'lockspace-lost', reason: 'the child died' });
  }

  join(): void {
    const members = [ME, { nodeId: 2, pid: 200 }];
    this.send({ kind: 'group-joining', self: ME });
    this.send({ kind: 'view', members, left: [], joined: [{ ...ME, reason: 'join' }] });
    this.send({ kind: 'ring', ring: { nodeId: 1, seq: 4n } });
  }

  send(event: CoreEvent): void {
    if ('caller' in event && event.kind !== 'caller-gone') this.asked.add(event.caller);
    if (event.kind === 'release') this.forget(`${event.resource} ${ownerKey(event.owner)}`);
    if (event.kind === 'convert') {
      const key = `${event.resource} ${ownerKey(event.owner)}`;
      this.converts.set(event.caller, { key, goal: event.mode });
    }
    const unheard = this.bench.send(event);
    const effects = this.isDiskFull ? heard(unheard) : unheard;
    this.hear(effects);
    for (const effect of effects) {
      if (effect.kind === 'watch-owner') this.watched.set(effect.id, effect.owner);
      if (effect.kind === 'unwatch-owner') this.watched.delete(effect.id);
      for (const { resource, owner, mode } of toldBy(effect)) {
        const lock = owner === null ? undefined : this.bench.find(resource, owner);
        if (lock === undefined || owner === null) throw new Error('an answer without a lock');
        const held = this.kernel.locks.get(lock.facts.id);
        if (held?.granted !== true || held.mode !== mode) {
          throw new Error(`'${resource}' was told as held, and the kernel has not granted it`);
        }
        this.told.set(`${resource} ${ownerKey(owner)}`, lock.facts.id);
      }
    }
    for (const action of actionsOf(effects)) this.kernel.perform(action);
    for (const effect of effects) {
      if (effect.kind === 'confirm-set') this.confirmSet(effect.set);
      if (effect.kind === 'confirm-held') this.confirmHeld(effect.id);
    }
    this.compareModes();
  }

  confirmSet(set: number): void {
    this.send(this.isDiskFull ? { kind: 'set-unlisted', set, message: 'full' }
      : { kind: 'set-listed', set });
  }

  confirmHeld(id: number): void {
    if (this.isDiskFull) this.send({ kind: 'held-unlisted', id, message: 'full' });
  }

  forget(key: string): void {
    this.told.delete(key);
    this.counted.delete(key);
    for (const [caller, convert] of this.converts) {
      if (convert.key === key) this.converts.delete(caller);
    }
  }

  /** What owners learn of their modes. */
  hear(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'reply') continue;
      const { caller, answer } = effect;
      if (answer.kind === 'acquired-set') {
        for (const { lock } of answer.members) {
          if (lock.owner === null) continue;
          this.counted.set(`${lock.resource} ${ownerKey(lock.owner)}`, lock.mode);
        }
      }
      if (answer.kind === 'refused') this.converts.delete(caller);
      if (answer.kind !== 'acquired' && answer.kind !== 'converted') continue;
      const { resource, owner, mode } = answer.lock;
      const key = owner === null ? '' : `${resource} ${ownerKey(owner)}`;
      if (answer.kind === 'converted' && answer.pending) continue;
      this.converts.delete(caller);
      this.counted.set(key, mode);
    }
  }

  /** Nobody has less than it was told, but for what it has asked to give up. */
  compareModes(): void {
    for (const [key, id] of this.told) {
      const lock = this.kernel.locks.get(id);
      const mode = this.counted.get(key);
      if (lock === undefined || mode === undefined) continue;
      const given = [...this.converts.values()].filter((convert) => convert.key === key);
      const modes = [mode, ...given.map(({ goal }) => goal)];
      if (modes.some((each) => covers(lock.mode, each))) continue;
      throw new Error(`${key} may count on ${modes.join()} and has ${lock.mode}`);
    }
  }

  check(effects: readonly Effect[]): void {
    const places = effects.map(({ kind }) => ORDER[kind]);
    if (places.some((place, at) => place < (places[at - 1] ?? -1))) throw new Error('wrong order');
    if (logsOf(effects, 'error').some((line) => line.includes('LOST'))) throw new Error('LOST');
    for (const action of actionsOf(effects)) {
      const state = this.bench.listed.get(action.id)?.state;
      if (state === undefined) throw new Error(`${action.kind} ${action.id} is not listed`);
      if (action.kind === 'take' && state !== 'intent') throw new Error('a take without intent');
      if (action.kind === 'convert' && state !== 'converting') throw new Error('a convert unlisted');
      if (action.kind === 'unlock' && state !== 'releasing') throw new Error('an unlock unlisted');
      const isTold = [...this.told.values()].includes(action.id);
      if (action.kind === 'unlock' && isTold) throw new Error('a told lock is unlocked');
    }
    this.compareList();
  }

  compareList(): void {
    const { listed, state } = this.bench;
    for (const [id, { phase, facts, sinceMs }] of state.locks) {
      const now = listed.get(id);
      if (phase.kind === 'parked') {
        if (now !== undefined) throw new Error('a parked lock is listed');
        continue;
      }
      if (phase.kind === 'gathered') {
        // Written as held in one append when its set is complete, and told a step later.
        if (now?.state !== 'intent' && now?.state !== 'held') throw new Error('not an intent');
        continue;
      }
      const isAway = phase.kind === 'orphaned' || phase.kind === 'adopting';
      const isUnasked = phase.kind === 'converting' && phase.progress === 'parked';
      const isUp = isUnasked && covers(phase.to, facts.mode);
      const claimsFor = phase.kind === 'claiming' ? phase.from : null;
      const isGivenUp = phase.kind === 'taking' && phase.callers.length === 0;
      const isAsked = phase.kind === 'taking' || phase.kind === 'claiming';
      const asked = isGivenUp ? 'releasing' : claimsFor === null ? 'intent' : 'converting';
      const kind = isAsked ? asked : isUp ? 'held' : phase.kind;
      const expected = isAway ? phase.was : kind;
      if (now?.state !== expected || now.lock.mode !== (claimsFor ?? facts.mode)) {
        throw new Error(`lock ${id} is ${expected} ${facts.mode}, listed ${JSON.stringify(now)}`);
      }
      const unasked = isUnasked ? phase.to : claimsFor === null ? null : facts.mode;
      if (now.to !== (isUp ? null : convertMode(phase) ?? unasked)) {
        throw new Error(`lock ${id} is converted to another mode than the list says: ${now.to}`);
      }
      if (!isAway && !isGivenUp && now.since !== sinceMs) throw new Error(`lock ${id}: since differs`);
    }
    for (const id of listed.keys()) if (!state.locks.has(id)) throw new Error('listed too long');
  }

  /** All callers are answered, all owners gone, the kernel decides: nothing may be left. */
  settle(): void {
    this.heal();
    this.drain();
    for (let at = 0; at < 10; at += 1) this.tick(1_000);
    for (const id of this.told.values()) {
      if (this.kernel.locks.get(id)?.granted !== true) throw new Error(`told lock ${id} is gone`);
    }
    for (const resource of RESOURCES) {
      for (const owner of OWNERS) {
        const caller = this.bench.caller();
        this.send({ kind: 'release', caller, resource, owner });
      }
    }
    this.drain();
    for (let at = 0; at < 10; at += 1) this.tick(1_000);
    for (const caller of this.asked) {
      const count = this.bench.answers.get(caller)?.length ?? 0;
      if (count > 1) throw new Error(`caller ${caller} got ${count} answers`);
      if (count === 0 && !this.gone.has(caller)) throw new Error(`caller ${caller} got no answer`);
    }
    const left = this.kernel.locks.size + this.kernel.orphans.length;
    if (left > 0) throw new Error(`${left} locks are left in the kernel`);
    if (this.bench.state.locks.size > 0) throw new Error('locks are left in the core');
    if (this.bench.listed.size > 0) throw new Error('locks are left in the list');
    if (this.bench.state.sets.size > 0) throw new Error('sets are left in the core');
    if (this.bench.state.announced.size > 0) throw new Error('locks are left in the manifest');
    if (this.watched.size > 0) throw new Error('owners are watched for nothing');
  }

  heal(): void {
    this.isDiskFull = false;
    this.send({ kind: 'quorum', quorate: true, nodeIds: [1, 2, 3] });
    this.open(true);
    this.running();
    if (this.bench.state.group.kind === 'away') this.join();
  }

  drain(): void {
    for (let at = 0; at < 200; at += 1) {
      const event = this.kernel.decide(at);
      if (event === null) {
        this.running();
        if (this.kernel.decide(0) === null) return;
      } else this.send(event);
    }
  }

  tick(delayMs: number): void {
    this.bench.nowMs += delayMs;
    this.send({ kind: 'tick' });
  }
}

function pick<T>(values: readonly T[], choice: number): T {
  const value = values[choice % values.length];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

/** What callers hear of a step whose grants could not be listed. */
function heard(effects: readonly Effect[]): readonly Effect[] {
  const grants = effects.flatMap((effect) => (effect.kind === 'confirm-held' ? [effect.id] : []));
  return effects.filter((effect) => {
    if (effect.kind !== 'reply' || !('id' in effect.answer)) return true;
    return !grants.includes(effect.answer.id);
  });
}

/** The locks that an owner learns by this effect to hold, in the modes that are shown. */
function toldBy(effect: Effect): readonly LockView[] {
  if (effect.kind !== 'reply') return [];
  const { answer } = effect;
  if (answer.kind === 'acquired') return [answer.lock];
  if (answer.kind === 'acquired-set') return answer.members.map(({ lock }) => lock);
  return answer.kind === 'converted' && !answer.pending ? [answer.lock] : [];
}

/** One random thing happens. */
function happen(world: World, [what, one, two]: readonly [number, number, number]): void {
  const { bench, kernel } = world;
  const resource = pick(RESOURCES, one);
  const owner = pick(OWNERS, two);
  const condition = { kind: 'waiting', for: 'fencing', members: [1, 2] } as const;
  if (what < 9) {
    const mode = pick(MODES, one >> 1);
    const waitMs = pick(WAITS_MS, two >> 2);
    world.send({ kind: 'convert', caller: bench.caller(), resource, mode, owner, waitMs });
  } else if (what < 30) {
    const mode = pick(MODES, one >> 1);
    const waitMs = pick(WAITS_MS, two >> 2);
    const caller = bench.caller();
    if (two % 3 > 0) {
      world.send({ kind: 'acquire', caller, resource, lockName: resource, mode, owner, waitMs });
      return;
    }
    const members = RESOURCES.filter((name) => one % 2 === 0 || name !== resource)
      .map((name) => ({ resource: name, lockName: name, mode })).reverse();
    world.send({ kind: 'acquire-set', caller, members, owner, waitMs });
  } else if (what < 60) {
    const event = kernel.decide(one);
    if (event !== null) world.send(event);
  } else if (what < 70) {
    world.send({ kind: 'release', caller: bench.caller(), resource, owner });
  } else if (what < 75) {
    const open = [...world.asked].filter((caller) => !bench.answers.has(caller));
    const caller = open[one % Math.max(open.length, 1)];
    if (caller === undefined) return;
    world.gone.add(caller);
    world.send({ kind: 'caller-gone', caller });
  } else if (what < 78) {
    for (const name of RESOURCES) world.forget(`${name} ${ownerKey(PROCESS)}`);
    world.send({ kind: 'owner-ended', owner: PROCESS });
  } else if (what < 83) world.tick(one * 7);
  else if (what < 87) world.lose(one);
  else if (what < 91) world.open(one % 4 > 0);
  else if (what < 93) {
    world.send({ kind: 'lockspace-condition', condition, askedMs: bench.nowMs });
  } else if (what < 96) world.running();
  else if (what < 97) world.send({ kind: 'quorum', quorate: one % 2 === 0, nodeIds: [1, 2] });
  else if (what < 98) world.send({ kind: 'group-lost', reason: 'corosync died' });
  else if (what < 99) world.isDiskFull = one % 2 === 0;
  else world.heal();
}

test('whatever happens: one answer each, list and memory agree, nothing leaks', (t) => {
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.log(`seed ${seed} (HOLDFAST_SEED repeats it)`);
  const happening = fc.tuple(fc.nat(99), fc.nat(1_000), fc.nat(1_000));
  const result = fc.check(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const world = new World();
      for (const each of happenings) happen(world, each);
      world.settle();
    }),
    { seed, numRuns: RUNS },
  );
  const why = result.errorInstance instanceof Error ? result.errorInstance.stack : '';
  t.false(result.failed, `${JSON.stringify(result.counterexample)}: ${why}`);
});

test('one event of each kind before anything is known does no harm', (t) => {
  const bench = new Bench();
  const failure = { code: 'KERNEL', message: 'EIO' };
  const events: readonly CoreEvent[] = [
    { kind: 'granted', id: 1 }, { kind: 'take-failed', id: 1, failure },
    { kind: 'adopted', id: 1 }, { kind: 'adopt-failed', id: 1, failure },
    { kind: 'converted', id: 1 }, { kind: 'convert-failed', id: 1, failure },
    { kind: 'convert-unlisted', ids: [1], message: 'full' },
    { kind: 'held-unlisted', id: 1, message: 'full' },
    { kind: 'unlocked', id: 1 }, { kind: 'unlock-failed', id: 1, failure },
    { kind: 'intent-failed', ids: [1], message: 'full' }, { kind: 'caller-gone', caller: 1 },
    { kind: 'owner-ended', owner: VM }, { kind: 'ring', ring: { nodeId: 1, seq: 1n } },
    { kind: 'view', members: [ME], left: [], joined: [] }, { kind: 'lockspace-lost', reason: '-' },
    { kind: 'quorum-away', reason: '-' }, { kind: 'tick' },
  ];
  for (const event of events) t.deepEqual(actionsOf(bench.send(event)), []);
  t.is(bench.state.standing.kind, 'starting');
});

test('a warning stands until it is taken back', (t) => {
  const bench = joined(new Bench());
  bench.send({ kind: 'warning', topic: 'list', text: 'disk full' });
  t.deepEqual([...bench.state.warnings.values()], ['disk full']);
  bench.send({ kind: 'warning', topic: 'list', text: null });
  t.is(bench.state.warnings.size, 0);
});
