import { scenario } from './support/scenario.js';

scenario('a killed daemon adopts its locks at the next start, for the same owners', async (t, world) => {
  for (const name of ['a', 'b', 'c']) await world.acquire(1, name, { owner: `owner-${name}` });
  await world.acquire(1, 'shared', { owner: 'reader', mode: 'PR' });
  await world.acquire(2, 'shared', { owner: 'reader', mode: 'PR' });
  world.node(1).crash();
  await world.untilSeen('a', ['n1 EX orphaned owner-a']);
  await t.throwsAsync(world.acquire(2, 'b'), { code: 'HELD' });

  await world.start(1);
  await world.untilReady();
  for (const name of ['a', 'b', 'c']) await world.untilSeen(name, [`n1 EX held owner-${name}`]);
  await world.untilSeen('shared', ['n1 PR held reader', 'n2 PR held reader']);
  t.is(world.at(1).status().locks.held, 4);
  // The owner acts as if nothing had happened.
  t.true((await world.release(1, 'a', 'owner-a')).released);
  t.is((await world.acquire(2, 'a')).state, 'held');
});

scenario('a daemon that is killed again and again loses nothing', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  for (let kills = 1; kills <= 8; kills += 1) {
    world.node(1).crash();
    await world.start(1);
    // Killed earlier each time: while it opens, adopts, joins, says hello.
    await world.advance(160 - kills * 20);
    t.deepEqual(world.violations(), []);
  }
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held alpha']);
  t.false(world.node(1).log.some((line) => /LOST|no list explains/.test(line)));
});

scenario('a daemon killed at any moment of an acquire leaves nothing that nobody explains', async (t, world) => {
  for (let ageMs = 0; ageMs <= 6; ageMs += 1) {
    const pending = world.ask(1, 'disk', { owner: 'alpha' });
    await world.advance(ageMs);
    const { outcome } = pending;
    world.node(1).crash();
    await pending.promise.catch(() => null);
    await world.start(1);
    await world.untilReady();
    const seen = world.seen(1, 'disk');
    // Who was told that it has the lock has it; who was not told may have it, under its name.
    if (outcome === 'granted') t.deepEqual(seen, ['n1 EX held alpha'], `killed after ${ageMs} ms`);
    else t.true(seen.length === 0 || seen.join() === 'n1 EX held alpha', seen.join());
    await world.release(1, 'disk', 'alpha');
    t.deepEqual(world.cluster.engine.lockspace('holdfast').table.locksOn('disk'), []);
  }
  t.false(world.node(1).log.some((line) => /LOST|no list explains/.test(line)));
}, { timings: { lockMs: 2 } });

scenario('a release that the daemon dies in is finished by the next start', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const { signal } = new AbortController();
  const owner = { kind: 'named', name: 'alpha' } as const;
  const answer = world.at(1).release({ resource: 'disk', owner, signal });
  await world.advance(2);
  world.node(1).crash();
  await t.throwsAsync(answer, { code: 'STOPPING' });
  t.is(world.cluster.engine.lockspace('holdfast').table.locksOn('disk').length, 1);
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
  t.is((await world.acquire(2, 'disk')).state, 'held');
}, { timings: { lockMs: 20 } });

scenario('the child dies under a living daemon: owners keep what they hold', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  await world.acquire(1, 'other', { owner: 'beta' });
  world.node(1).process.killChild();
  await world.advance(1);
  await t.throwsAsync(world.acquire(1, 'new'), { code: 'RECOVERING' });
  t.is(world.node(1).log.filter((line) => line.includes('the lockspace is lost')).length, 1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held alpha']);
  await world.untilSeen('other', ['n1 EX held beta']);
  t.is((await world.acquire(1, 'new')).state, 'held');
  await t.throwsAsync(world.acquire(2, 'disk'), { code: 'HELD' });
});

scenario('the child dies while callers wait: each of them gets an answer', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const forEver = world.ask(2, 'disk', { owner: 'patient', waitMs: null });
  const limited = world.ask(2, 'disk', { owner: 'hasty', waitMs: 30_000 });
  await world.untilSeen('disk', ['n1 EX held alpha', 'n2 EX waiting patient', 'n2 EX waiting hasty']);
  world.node(2).process.killChild();
  const refusals = [forEver, limited].map(({ promise }) =>
    t.throwsAsync(world.finish(promise), { code: 'LOCK_MANAGER', message: /process ended/ }));
  await Promise.all(refusals);
  await world.untilReady();
  await world.release(1, 'disk', 'alpha');
  await world.untilSeen('disk', []);
  t.is((await world.acquire(2, 'disk', { owner: 'patient' })).state, 'held');
});

scenario('the child dies in the middle of a release: it is finished, and said to be pending', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const { signal } = new AbortController();
  const owner = { kind: 'named', name: 'alpha' } as const;
  const answer = world.at(1).release({ resource: 'disk', owner, signal });
  await world.advance(2);
  world.node(1).process.killChild();
  t.deepEqual(await world.finish(answer), { released: true, pending: true });
  await world.untilReady();
  await world.untilSeen('disk', []);
  t.is((await world.acquire(2, 'disk')).state, 'held');
}, { timings: { lockMs: 20 } });

scenario('an orphan that no list explains is kept and shown, and blocks as before', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.node(1).crash();
  for (const path of [...world.node(1).disk.files.keys()]) await world.node(1).disk.remove(path);
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX quarantined nobody']);
  await t.throwsAsync(world.acquire(2, 'disk'), { code: 'HELD', message: /an unknown owner holds it/ });
  t.true(world.node(1).log.some((line) =>
    /'disk'.* no list explains: put in quarantine/.test(line)));
  // Also after another start: the list explains it now, as unknown.
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX quarantined nobody']);
});

scenario('a listed lock that the kernel no longer has is reported lost and not taken again', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.node(1).crash();
  await world.advance(10);
  const { table } = world.cluster.engine.lockspace('holdfast');
  for (const lock of table.locksOn('disk')) table.unlock(lock);
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
  const lost = world.node(1).log.filter((line) => line.includes('LOST'));
  t.is(lost.length, 1);
  t.regex(lost[0] ?? '', /^error 'disk' \(EX, alpha\) is LOST: .*unprotected/);
});

scenario('a reboot ends every lock of the node: all are reported, none adopted', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  await world.acquire(1, 'other', { owner: 'beta' });
  const bootBefore = world.at(1).status().bootId;
  world.powerOff(1);
  await world.until('recovered', () => world.view(2, 1)?.state === 'recovered');
  world.cluster.powerOn(1);
  await world.start(1);
  await world.untilReady();
  t.not(world.at(1).status().bootId, bootBefore);
  for (const name of ['disk', 'other']) {
    await world.untilSeen(name, []);
    t.is(world.node(1).log.filter((line) =>
      line.includes(`'${name}'`) && /ended with a reboot/.test(line)).length, 1);
  }
  t.false(world.node(1).log.some((line) => /adopted|LOST/.test(line)));
});
