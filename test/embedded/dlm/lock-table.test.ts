import test from 'ava';
import fc from 'fast-check';
import type { LockMode } from '../../../src/dlm/index.js';
import {
  grantedMode, requestedMode, type EngineLock, type LockEvent, type LockOwner,
} from '../../../src/embedded/dlm/lock.js';
import { LockTable } from '../../../src/embedded/dlm/lock-table.js';
import { chooseSeed } from '../../support/property-seed.js';
import { areNaivelyCompatible, NaiveLocks } from './naive-locks.js';

const RESOURCE = 'r';
const RUNS = 500;
const mode = fc.constantFrom<LockMode>('NL', 'CR', 'CW', 'PR', 'PW', 'EX');
const index = fc.nat({ max: 19 });
const operation = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), mode, noQueue: fc.boolean(), owner: index }),
  fc.record({ kind: fc.constant('convert' as const), mode, noQueue: fc.boolean(), index }),
  fc.record({ kind: fc.constant('cancel' as const), index }),
  fc.record({ kind: fc.constant('unlock' as const), index }),
);
const disaster = fc.oneof(
  fc.record({ kind: fc.constant('process dies' as const), owner: index }),
  fc.record({ kind: fc.constant('node dies' as const), owner: index }),
  fc.record({ kind: fc.constant('adopt' as const), mode, owner: index }),
);

function createOwners(): readonly LockOwner[] {
  return Array.from({ length: 6 }, (_, at) => ({
    nodeId: (at % 3) + 1, pid: at + 1, alive: true, notify: () => undefined,
  }));
}

function pick<T>(items: readonly T[], at: number): T | undefined {
  return items[at % Math.max(1, items.length)];
}

function assertExclusion(table: LockTable): void {
  const granted = table.locksOn(RESOURCE);
  for (const [at, lock] of granted.entries()) {
    for (const other of granted.slice(at + 1)) {
      const [a, b] = [grantedMode(lock), grantedMode(other)];
      if (a === null || b === null || areNaivelyCompatible(a, b)) continue;
      throw new Error(`${a} and ${b} are granted at once`);
    }
  }
}

function apply(
  table: LockTable, step: typeof operation extends fc.Arbitrary<infer T> ? T : never,
  owners: readonly LockOwner[],
): void {
  const locks = table.locksOn(RESOURCE);
  if (step.kind === 'request') {
    const owner = pick(owners, step.owner);
    const flags = { noQueue: step.noQueue, persistent: step.owner % 2 === 0 };
    if (owner !== undefined) table.request(owner, RESOURCE, step.mode, flags);
    return;
  }
  const lock = pick(locks, step.index);
  if (lock === undefined) return;
  if (step.kind === 'cancel') table.cancel(lock);
  else if (lock.status.kind !== 'granted') return;
  else if (step.kind === 'unlock') table.unlock(lock);
  else table.convert(lock, step.mode, { noQueue: step.noQueue, persistent: true });
}

test('no sequence of requests and deaths grants incompatible modes at once', (t) => {
  const seed = chooseSeed(t);
  const step = fc.oneof({ weight: 4, arbitrary: operation }, disaster);
  const steps = fc.array(step, { maxLength: 80 });
  t.notThrows(() => fc.assert(fc.property(steps, (sequence) => {
    const table = new LockTable();
    const owners = createOwners();
    for (const step of sequence) {
      const owner = 'owner' in step ? pick(owners, step.owner) : undefined;
      if (step.kind === 'process dies' && owner !== undefined) table.closeOwner(owner);
      else if (step.kind === 'node dies' && owner !== undefined) table.dropNode(owner.nodeId);
      else if (step.kind === 'adopt' && owner !== undefined) {
        table.adopt(owner, RESOURCE, step.mode, { persistent: true });
      } else if (step.kind === 'request' || 'index' in step) apply(table, step, owners);
      assertExclusion(table);
    }
  }), { seed, numRuns: RUNS }));
});

test('whatever was queued, everyone is granted when the holders unlock one by one', (t) => {
  const seed = chooseSeed(t);
  t.notThrows(() => fc.assert(fc.property(fc.array(operation, { maxLength: 60 }), (sequence) => {
    const table = new LockTable();
    for (const step of sequence) apply(table, step, createOwners());
    const awaited = new Set(table.locksOn(RESOURCE).filter((lock) => requestedMode(lock) !== null));
    for (let left = table.locksOn(RESOURCE).length; left > 0; left -= 1) {
      const holder = table.locksOn(RESOURCE).find(({ status }) => status.kind === 'granted');
      if (holder === undefined) throw new Error('locks are queued behind nobody');
      awaited.delete(holder);
      table.unlock(holder);
    }
    if (awaited.size > 0 || table.resourceNames.length > 0) throw new Error('somebody starved');
  }), { seed, numRuns: RUNS }));
});

test('the engine decides as a naive model of the same rules', (t) => {
  const seed = chooseSeed(t);
  t.notThrows(() => fc.assert(fc.property(fc.array(operation, { maxLength: 60 }), (sequence) => {
    const table = new LockTable();
    const naive = new NaiveLocks();
    const [owner] = createOwners();
    const keys = new Map<EngineLock, number>();
    let keyHighest = 0;
    for (const step of sequence) {
      if (step.kind === 'request') {
        if (owner === undefined) throw new Error('there are owners');
        const { lock } = table.request(owner, RESOURCE, step.mode, { noQueue: step.noQueue });
        keys.set(lock, (keyHighest += 1));
        naive.request(keyHighest, step.mode, step.noQueue);
      } else {
        const lock = pick(table.locksOn(RESOURCE), step.index);
        const key = lock === undefined ? undefined : keys.get(lock);
        if (lock === undefined || key === undefined) continue;
        const idle = lock.status.kind === 'granted';
        if (step.kind === 'cancel' && !idle) {
          table.cancel(lock);
          naive.cancel(key);
        } else if (step.kind === 'unlock' && idle) {
          table.unlock(lock);
          naive.unlock(key);
        } else if (step.kind === 'convert' && idle) {
          table.convert(lock, step.mode, { noQueue: step.noQueue });
          naive.convert(key, step.mode, step.noQueue);
        }
      }
      const engineView = table.locksOn(RESOURCE)
        .map((lock) => `${keys.get(lock)} ${grantedMode(lock)} ${requestedMode(lock)}`).sort();
      const naiveView = naive.locks
        .map(({ key, granted, requested }) => `${key} ${granted} ${requested}`).sort();
      if (engineView.join() !== naiveView.join()) {
        throw new Error(`engine: ${engineView.join()}; model: ${naiveView.join()}`);
      }
    }
  }), { seed, numRuns: RUNS }));
});

function kindsOf(events: readonly LockEvent[]): readonly string[] {
  return events.map((event) =>
    event.kind === 'completed' ? `${event.lock.owner.pid} ${event.how}` : `${event.lock.owner.pid} blocks ${event.mode}`);
}

function threeOwners(): [LockOwner, LockOwner, LockOwner] {
  const [one, two, three] = createOwners();
  if (one === undefined || two === undefined || three === undefined) throw new Error('six owners');
  return [one, two, three];
}

test('a new NL request waits behind a queued convert unless it is expedited', (t) => {
  const table = new LockTable();
  const [one, two, three] = threeOwners();
  table.request(one, RESOURCE, 'EX', {});
  const { lock } = table.request(two, RESOURCE, 'NL', { expedite: true });
  t.deepEqual(kindsOf(table.convert(lock, 'EX', {})), ['1 blocks EX']);
  t.is(table.request(three, RESOURCE, 'NL', {}).lock.status.kind, 'waiting');
  t.is(table.request(three, RESOURCE, 'NL', { expedite: true }).lock.status.kind, 'granted');
});

test('a convert that could be granted passes a queued writer, unless it asks to be queued', (t) => {
  const table = new LockTable();
  const [one, two, three] = threeOwners();
  table.request(one, RESOURCE, 'PR', {});
  const writer = table.request(two, RESOURCE, 'NL', {}).lock;
  table.convert(writer, 'EX', {});
  const reader = table.request(three, RESOURCE, 'NL', { expedite: true }).lock;
  t.deepEqual(kindsOf(table.convert(reader, 'PR', { queueConvert: true, noQueue: true })), ['3 would-block']);
  t.deepEqual(kindsOf(table.convert(reader, 'PR', {})), ['3 granted', '3 blocks EX']);
});

test('a handover past a waiting standby deadlocks, unless it enters the queue at its head', (t) => {
  const table = new LockTable();
  const [source, destination, standby] = threeOwners();
  const from = table.request(source, RESOURCE, 'EX', {}).lock;
  const waiting = table.request(standby, RESOURCE, 'NL', {}).lock;
  table.convert(waiting, 'EX', {});
  table.convert(from, 'CW', {});
  const to = table.request(destination, RESOURCE, 'NL', { expedite: true }).lock;
  t.deepEqual(kindsOf(table.convert(to, 'CW', { noQueue: true }))[0], '2 granted');
  t.deepEqual(kindsOf(table.convert(to, 'EX', {})), ['2 deadlock']);
  table.convert(to, 'EX', { headOfQueue: true, ignoreDeadlock: true });
  t.deepEqual(kindsOf(table.unlock(from)).slice(0, 2), ['1 unlocked', '2 granted']);
  t.is(requestedMode(waiting), 'EX');
});
