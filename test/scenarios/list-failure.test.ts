import { REPAIR_DELAY_MS } from '../../src/coordinator/list/repair-pace.js';
import { WRITE_STALL_MS } from '../../src/coordinator/list-link.js';
import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

/** Nothing is asked for meanwhile: the list finds by itself that its disk works again. */
const untilWell = (world: World) => world.until('the warnings of n1 to be gone', () =>
  world.at(1).status().warnings.length === 0, REPAIR_DELAY_MS + 1_000);

const appended = (world: World) => world.node(1).disk.begun.length;

scenario('the list cannot be written: no new locks, holders keep, and it recovers by itself', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.node(1).disk.failing.set('write', 'EIO');
  await t.throwsAsync(world.acquire(1, 'new'), {
    code: 'LIST_FAILED', message: /the lock list cannot be written .*no new locks until it can/,
  });
  t.deepEqual(world.cluster.engine.lockspace('holdfast').table.locksOn('new'), []);
  t.regex(world.at(1).status().warnings.join('\n'), /the lock list cannot be written/);
  await world.untilSeen('disk', ['n1 EX held alpha']);

  world.node(1).disk.failing.clear();
  await untilWell(world);
  t.is((await world.acquire(1, 'new')).state, 'held');
  t.is(world.at(1).status().counters['list_failures'], 1);
});

scenario('a failed sync stops new locks as a failed write does, before any write fails', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.node(1).disk.failing.set('sync', 'EIO');
  await world.until('the failed sync to be told', () => world.at(1).status().warnings.length > 0);
  t.regex(world.at(1).status().warnings.join(), /the lock list cannot be written .*EIO/);
  const before = appended(world);
  await t.throwsAsync(world.acquire(1, 'new'), { code: 'LIST_FAILED' });
  await t.throwsAsync(world.acquire(1, 'new', { waitMs: null }), { code: 'LIST_FAILED' });
  t.is(appended(world), before, 'nothing is written to the file that failed');
  t.is((await world.acquire(1, 'disk', { owner: 'alpha' })).state, 'held');
  t.true((await world.release(1, 'disk', 'alpha')).released);
  await world.untilSeen('disk', []);

  world.node(1).disk.failing.clear();
  await untilWell(world);
  t.is((await world.acquire(1, 'new')).state, 'held');
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  t.false(world.node(1).log.some((line) => line.includes('LOST')));
});

scenario('on a disk that hangs nothing is granted, nothing is lost, and status says so', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  let answer: () => void = () => undefined;
  world.node(1).disk.gates.set('write', new Promise((resolve) => { answer = resolve; }));
  const first = world.ask(1, 'first', { waitMs: null });
  await world.advance(WRITE_STALL_MS + 100);
  t.regex(world.at(1).status().warnings.join(), /the disk of the lock list hangs/);
  await t.throwsAsync(world.acquire(1, 'second'), { code: 'LIST_FAILED', message: /hangs/ });
  t.is(first.outcome, 'open');
  t.deepEqual(world.seen(1, 'disk'), ['n1 EX held alpha']);
  const { signal } = new AbortController();
  const owner = { kind: 'named', name: 'alpha' } as const;
  const release = world.at(1).release({ resource: 'disk', owner, signal });
  await world.advance(60_000);
  t.is(world.cluster.engine.lockspace('holdfast').table.locksOn('disk').length, 1);

  world.node(1).disk.gates.clear();
  answer();
  t.like(await world.finish(release), { released: true });
  t.is((await world.finish(first.promise)).state, 'held');
  t.deepEqual(world.at(1).status().warnings, []);
  await world.untilSeen('disk', []);
});

scenario('a full disk: locks are still released', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const waiting = world.ask(2, 'disk', { waitMs: null });
  await world.advance(50);
  world.node(1).disk.spaceBytes = 0;
  await t.throwsAsync(world.acquire(1, 'new'), { code: 'LIST_FAILED' });
  t.true((await world.release(1, 'disk', 'alpha')).released);
  await world.finish(waiting.promise);
  await world.untilSeen('disk', ['n2 EX held n2']);
});

scenario('a release during the failure is no false alarm at the next start', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.node(1).disk.failing.set('write', 'EIO');
  await world.release(1, 'disk', 'alpha');
  world.node(1).disk.failing.clear();
  await untilWell(world);
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
  t.false(world.node(1).log.some((line) => line.includes('LOST')));
});

scenario('a lock that was released and taken again during the failure is adopted after it', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.node(1).disk.failing.set('write', 'EIO');
  await world.release(1, 'disk', 'alpha');
  world.node(1).disk.failing.clear();
  await untilWell(world);
  await world.acquire(1, 'disk', { owner: 'beta' });
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held beta']);
  t.false(world.node(1).log.some((line) => line.includes('LOST')));
});

scenario('a grant that cannot be recorded is told to nobody, and given back', async (t, world) => {
  await world.acquire(2, 'disk');
  const waiting = world.ask(1, 'disk', { owner: 'alpha', waitMs: null });
  await world.untilSeen('disk', ['n1 EX waiting alpha', 'n2 EX held n2']);
  world.node(1).disk.failing.set('write', 'EIO');
  await world.release(2, 'disk');
  await t.throwsAsync(world.finish(waiting.promise), { code: 'LIST_FAILED', message: /EIO/ });
  await world.acquire(2, 'disk', { owner: 'next', waitMs: 5_000 });
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n2 EX held next']);
  t.false(world.node(1).log.some((line) => line.includes('LOST')));
});

scenario('many callers at once on a failing disk: each is told, none is granted', async (t, world) => {
  world.node(1).disk.failing.set('write', 'ENOSPC');
  const answers = Array.from({ length: 50 }, (_, index) => world.ask(1, `disk-${index}`));
  const outcomes = await world.finish(Promise.allSettled(answers.map(({ promise }) => promise)));
  t.true(outcomes.every(({ status }) => status === 'rejected'));
  t.deepEqual(world.at(1).locks(), []);
  t.deepEqual(world.cluster.engine.lockspace('holdfast').table.resourceNames, []);
  // Said once for as long as it lasts, not fifty times.
  const lines = world.node(1).log.filter((line) => /cannot/.test(line));
  t.true(lines.length <= 3, lines.join('\n'));
});

scenario('the list is in use by another daemon: the second one does not start', async (t, world) => {
  const second = world.cluster.node(1).startProcess();
  t.teardown(() => second.kill());
  await t.throwsAsync(world.node(1).disk.claim('/list'), { code: 'IN_USE' });
  await world.acquire(1, 'disk');
  await world.untilSeen('disk', ['n1 EX held n1']);
});

scenario('a file system that turns read-only under the daemon is told, and recovers when it does', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  for (const step of ['write', 'truncate', 'create', 'sync'] as const) {
    world.node(1).disk.failing.set(step, 'EROFS');
  }
  await t.throwsAsync(world.acquire(1, 'new'), { code: 'LIST_FAILED', message: /EROFS/ });
  await world.advance(60_000);
  t.regex(world.at(1).status().warnings.join(), /EROFS.*no new locks until it can/);
  t.true((await world.release(1, 'disk', 'alpha')).released);
  world.node(1).disk.failing.clear();
  await untilWell(world);
  t.is((await world.acquire(1, 'new')).state, 'held');
});
