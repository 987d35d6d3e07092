import test, { type ExecutionContext } from 'ava';
import { CALLERS_MAX } from '../../src/coordinator/callers.js';
import { Coordinator, CoordinatorError, ListError } from '../../src/coordinator/index.js';
import type { CoordinatorModules, CoordinatorOptions } from '../../src/coordinator/index.js';
import type { ListRecord } from '../../src/coordinator/core/record.js';
import { createCluster, type ClusterOptions } from '../../src/embedded/index.js';
import { FakeClock } from '../support/fake-clock.js';

const OWNER = { kind: 'named', name: 'alpha' } as const;

/** One node with everything around a coordinator, each part open to change. */
const FOUND = { locks: [], generations: { upTo: 0, certain: true }, problems: [] };

function bench(t: ExecutionContext, cluster: Partial<ClusterOptions> = {}) {
  const clock = new FakeClock();
  const embedded = createCluster({ ...cluster, nodes: [{ id: 1, name: 'n1' }], clock });
  const process = embedded.node(1).startProcess();
  const lines: string[] = [];
  const written: ListRecord[] = [];
  let listsClosed = 0;
  const list = {
    append: (records: readonly ListRecord[]) => {
      written.push(...records);
      return Promise.resolve();
    },
    reserveGenerations: (above: number) => Promise.resolve({ last: above + 1 }),
    watch: () => undefined,
    close: () => {
      listsClosed += 1;
      return Promise.resolve();
    },
  };
  const modules: CoordinatorModules = {
    openGroup: process.openGroup, openQuorum: process.openQuorum, clock: process.clock,
    lockManager: process.lockManager(), processWatch: process.processWatch,
    openList: () => Promise.resolve({ list, found: FOUND }),
    log: (level, message) => lines.push(`${level} ${message}`),
  };
  const options: CoordinatorOptions = {
    nodeName: 'n1', incarnation: '1'.repeat(32), bootId: embedded.node(1).bootId,
    lockspace: 'holdfast', group: 'holdfast', softwareVersion: '0', unsafeNoFencing: false,
  };
  const start = async (
    changed: Partial<CoordinatorModules> = {}, other: Partial<CoordinatorOptions> = {},
  ): Promise<Coordinator> => {
    const all = { ...modules, ...changed };
    const coordinator = await Coordinator.start({ ...options, ...other }, all);
    t.teardown(() => coordinator.abandon());
    return coordinator;
  };
  return { clock, embedded, process, list, lines, written, start, closed: () => listsClosed };
}

function acquire(coordinator: Coordinator, resource: string, waitMs: number | null = 0) {
  const { signal } = new AbortController();
  return coordinator.acquire({ resource, mode: 'EX', owner: OWNER, waitMs, signal });
}

test('a list that cannot be opened is the caller\'s to know, and nothing is started', async (t) => {
  const { start, clock } = bench(t);
  const openList = () => Promise.reject(new ListError('IN_USE', 'another process has it'));
  await t.throwsAsync(start({ openList }), { instanceOf: ListError, code: 'IN_USE' });
  t.is(clock.pending, 0);
});

test('what was wrong with the list is logged as an error', async (t) => {
  const { start, lines, list } = bench(t);
  const found = { ...FOUND, problems: ['line 3 is damaged'] };
  await start({ openList: () => Promise.resolve({ list, found }) });
  t.true(lines.includes('error the lock list: line 3 is damaged'));
});

test('without fencing it ends as unsafe, closes its list, and serves nobody any more', async (t) => {
  const { start, clock, closed } = bench(t, { fencingEnabled: false });
  const coordinator = await start();
  const done = t.throwsAsync(coordinator.done, { instanceOf: CoordinatorError, code: 'UNSAFE' });
  await clock.advance(2_000);
  await done;
  t.is(closed(), 1);
  await t.throwsAsync(acquire(coordinator, 'disk'), { code: 'STOPPING' });
  t.is(clock.pending, 0, 'no timer keeps the process alive');
});

test('without fencing it runs when it is told to, and warns for as long as it does', async (t) => {
  const { start, clock } = bench(t, { fencingEnabled: false });
  const coordinator = await start({}, { unsafeNoFencing: true });
  await clock.advance(2_000);
  t.is(coordinator.status().standing.kind, 'ok');
  t.regex(coordinator.status().warnings.join(), /fencing is disabled.*two nodes may write at once/);
});

test('a listener that throws costs neither the others nor the coordinator their event', async (t) => {
  const { start, clock, lines } = bench(t);
  const coordinator = await start();
  const told: string[] = [];
  coordinator.subscribe(() => {
    throw new Error('a bad listener');
  });
  const forget = coordinator.subscribe(({ type }) => told.push(type));
  await clock.advance(2_000);
  const taken = acquire(coordinator, 'disk');
  await clock.advance(100);
  t.is((await taken).lock.state, 'held');
  t.true(told.includes('standing') && told.includes('lock'));
  t.true(lines.some((line) => line === 'error a listener failed: a bad listener'));
  forget();
  const before = told.length;
  const released = coordinator.release({
    resource: 'disk', owner: OWNER, signal: new AbortController().signal,
  });
  await clock.advance(100);
  await released;
  t.is(told.length, before);
});

test('a record is written before its lock is asked for, and before its answer', async (t) => {
  const { start, clock, list, embedded } = bench(t);
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let gated = false;
  const append = async (records: readonly ListRecord[]): Promise<void> => {
    if (gated) await gate;
    await list.append(records);
  };
  const slow = { ...list, append, close: () => list.close() };
  const coordinator = await start({
    openList: () => Promise.resolve({ list: slow, found: FOUND }),
  });
  await clock.advance(2_000);
  gated = true;
  let answered = false;
  const taken = acquire(coordinator, 'disk').then(({ lock }) => {
    answered = true;
    return lock;
  });
  await clock.advance(1_000);
  t.false(answered);
  const { table } = embedded.engine.lockspace('holdfast');
  t.deepEqual(table.locksOn('disk'), [], 'the kernel was not asked before the intent was written');
  open();
  await clock.advance(100);
  t.is((await taken).state, 'held');
});

test('a second stop is told so, and after the end every call is', async (t) => {
  const { start, clock, closed } = bench(t);
  const coordinator = await start();
  await clock.advance(2_000);
  const stopped = coordinator.stop('refuse');
  await t.throwsAsync(coordinator.stop('refuse'), { code: 'STOPPING' });
  await clock.advance(2_000);
  t.deepEqual(await stopped, { kept: 0 });
  await coordinator.done;
  t.is(closed(), 1);
  await t.throwsAsync(acquire(coordinator, 'disk'), { code: 'STOPPING' });
  await t.throwsAsync(coordinator.stop('refuse'), { code: 'STOPPING' });
  t.is(clock.pending, 0);
});

test('an abandoned coordinator answers who waits, and arms no timer again', async (t) => {
  const { start, clock } = bench(t);
  const coordinator = await start();
  await clock.advance(2_000);
  const held = acquire(coordinator, 'disk');
  await clock.advance(100);
  await held;
  const { signal } = new AbortController();
  const owner = { kind: 'named', name: 'beta' } as const;
  const waiting = coordinator.acquire({ resource: 'disk', mode: 'EX', owner, waitMs: null, signal });
  const refused = t.throwsAsync(waiting, { code: 'STOPPING' });
  await clock.advance(100);
  coordinator.abandon();
  await refused;
  await clock.advance(10_000);
  t.is(clock.pending, 0);
});

test('names that break the rules are refused before anything is asked or written', async (t) => {
  const { start, clock, written } = bench(t);
  const coordinator = await start();
  await clock.advance(2_000);
  for (const resource of ['', 'a\nb', 'f'.repeat(64), 'x'.repeat(1_025)]) {
    await t.throwsAsync(acquire(coordinator, resource), { code: 'BAD_NAME' });
  }
  const { signal } = new AbortController();
  const owner = { kind: 'named', name: '' } as const;
  await t.throwsAsync(
    coordinator.acquire({ resource: 'disk', mode: 'EX', owner, waitMs: 0, signal }),
    { code: 'BAD_NAME' },
  );
  t.deepEqual(written, []);
});

test('a caller that is gone before it is asked for leaves nothing', async (t) => {
  const { start, clock, embedded } = bench(t);
  const coordinator = await start();
  await clock.advance(2_000);
  const request = { resource: 'disk', mode: 'EX', owner: OWNER, waitMs: null } as const;
  const taken = coordinator.acquire({ ...request, signal: AbortSignal.abort() });
  const refused = t.throwsAsync(taken, { code: 'CANCELED' });
  await clock.advance(1_000);
  await refused;
  t.deepEqual(embedded.engine.lockspace('holdfast').table.locksOn('disk'), []);
  t.deepEqual(coordinator.locks(), []);
});

test('there is a bound to the callers that wait at one time', async (t) => {
  const { start, clock } = bench(t);
  const coordinator = await start();
  await clock.advance(2_000);
  const asked = Array.from({ length: CALLERS_MAX + 1 }, (_, index) =>
    acquire(coordinator, `disk-${index}`));
  const outcomes = Promise.allSettled(asked);
  await clock.advance(1_000);
  const refused = (await outcomes).flatMap((outcome) =>
    outcome.status === 'rejected' ? [(outcome.reason as CoordinatorError).code] : []);
  t.deepEqual(refused, ['LIMIT']);
});
