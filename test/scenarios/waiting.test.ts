import { scenario } from './support/scenario.js';

scenario('waiting acquires of several nodes are granted in their order, one at a time', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'first' });
  const order = [[2, 'second'], [3, 'third'], [1, 'fourth'], [2, 'fifth']] as const;
  const waiting = [];
  for (const [node, owner] of order) {
    const pending = world.ask(node, 'disk', { owner, waitMs: null });
    waiting.push({ node, owner, pending });
    await world.advance(50);
  }
  let holder: { node: number; owner: string } = { node: 1, owner: 'first' };
  for (const [index, { node, owner, pending }] of waiting.entries()) {
    t.deepEqual(waiting.slice(index).map((each) => each.pending.outcome),
      waiting.slice(index).map(() => 'open'));
    await world.release(holder.node, 'disk', holder.owner);
    await world.finish(pending.promise);
    await world.advance(200);
    holder = { node, owner };
  }
  await world.untilSeen('disk', ['n2 EX held fifth']);
});

scenario('a wait that runs out says who still holds it, and leaves nothing behind', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const askedMs = world.clock.monotonic();
  await t.throwsAsync(world.acquire(2, 'disk', { waitMs: 1_500 }), {
    code: 'TIMEOUT', message: /not granted in time: alpha holds it EX on n1/,
  });
  const tookMs = world.clock.monotonic() - askedMs;
  t.true(tookMs >= 1_500 && tookMs < 1_600, `${tookMs} ms`);
  await world.untilSeen('disk', ['n1 EX held alpha']);
  await world.release(1, 'disk', 'alpha');
  t.is((await world.acquire(3, 'disk')).state, 'held');
});

scenario('a caller that goes away while it waits gets nothing later', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const going = new AbortController();
  const pending = world.ask(2, 'disk', { waitMs: null, signal: going.signal });
  await world.untilSeen('disk', ['n1 EX held alpha', 'n2 EX waiting n2']);
  going.abort();
  await t.throwsAsync(pending.promise, { code: 'CANCELED' });
  await world.untilSeen('disk', ['n1 EX held alpha']);
  await world.release(1, 'disk', 'alpha');
  await world.advance(1_000);
  await world.untilSeen('disk', []);
});

scenario('a caller that goes away at the moment of the grant leaves no lock without an owner', async (t, world) => {
  for (let leadMs = 0; leadMs <= 4; leadMs += 1) {
    await world.acquire(1, 'disk', { owner: 'alpha' });
    const going = new AbortController();
    const pending = world.ask(2, 'disk', { waitMs: null, signal: going.signal });
    await world.advance(50);
    const { signal } = new AbortController();
    const owner = { kind: 'named', name: 'alpha' } as const;
    const released = world.at(1).release({ resource: 'disk', owner, signal });
    await world.advance(leadMs);
    going.abort();
    await world.finish(released);
    await world.finish(pending.promise.then(() => null, () => null));
    // Either it was told that it has it, or nobody has it.
    await world.advance(1_000);
    if (pending.outcome === 'granted') {
      t.deepEqual(world.seen(2, 'disk'), ['n2 EX held n2']);
      await world.release(2, 'disk');
    }
    await world.untilSeen('disk', []);
    t.deepEqual(world.cluster.engine.lockspace('holdfast').table.locksOn('disk'), []);
  }
});

scenario('two callers of one owner share one wait and both get the grant', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const one = world.ask(2, 'disk', { owner: 'beta', waitMs: null });
  const two = world.ask(2, 'disk', { owner: 'beta', waitMs: 500 });
  await t.throwsAsync(world.finish(two.promise), { code: 'TIMEOUT' });
  t.is(one.outcome, 'open', 'the time-out of one caller does not end the wait of the other');
  const three = world.ask(2, 'disk', { owner: 'beta', waitMs: 5_000 });
  await world.release(1, 'disk', 'alpha');
  await world.finish(Promise.all([one.promise, three.promise]));
  await world.untilSeen('disk', ['n2 EX held beta']);
});

scenario('a waiting request of a killed daemon is gone, and the next in line is served', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const lost = world.ask(2, 'disk', { waitMs: null });
  await world.advance(50);
  const next = world.ask(3, 'disk', { waitMs: null });
  await world.advance(50);
  world.node(2).crash();
  await t.throwsAsync(lost.promise);
  await world.release(1, 'disk', 'alpha');
  await world.finish(next.promise);
  await world.untilSeen('disk', ['n3 EX held n3']);
  await world.start(2);
  await world.untilReady();
  await world.untilSeen('disk', ['n3 EX held n3']);
});
