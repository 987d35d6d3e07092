import { scenario } from './support/scenario.js';

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
  t.is((await world.acquire(1, 'new')).state, 'held');
  t.deepEqual(world.at(1).status().warnings, []);
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
  await world.acquire(1, 'new');
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
  await world.untilSeen('new', ['n1 EX held n1']);
  t.false(world.node(1).log.some((line) => line.includes('LOST')));
});

scenario('a lock that was released and taken again during the failure is adopted after it', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.node(1).disk.failing.set('write', 'EIO');
  await world.release(1, 'disk', 'alpha');
  world.node(1).disk.failing.clear();
  await world.acquire(1, 'disk', { owner: 'beta' });
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held beta']);
  t.false(world.node(1).log.some((line) => line.includes('LOST')));
});

scenario('a grant that cannot be recorded is told, and adopted by its intent after a crash', async (t, world) => {
  await world.acquire(2, 'disk');
  const waiting = world.ask(1, 'disk', { owner: 'alpha', waitMs: null });
  await world.untilSeen('disk', ['n1 EX waiting alpha', 'n2 EX held n2']);
  world.node(1).disk.failing.set('write', 'EIO');
  await world.release(2, 'disk');
  t.is((await world.finish(waiting.promise)).state, 'held');
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held alpha']);
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
