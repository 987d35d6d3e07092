import { Guest } from './support/guest.js';
import { scenario } from './support/scenario.js';

scenario('a lock is handed over, and a third that never stops asking never has it', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  const before = guest.lockOf(1)?.generation ?? 0;
  t.like(await guest.do(1, 'open'), { at: 'offered', lock: { mode: 'CW' } });
  t.like(await guest.do(2, 'join'), { at: 'joined', lock: { mode: 'CW', generation: null } });
  await world.untilSeen('disk', ['n1 CW held guest', 'n2 CW held guest', 'n3 EX waiting patient']);
  t.like(guest.lockOf(1), {
    generation: before, handover: { role: 'source', step: 'joined', node: { id: 2, name: 'n2' } },
  });
  await world.advance(10_000);
  t.like(await guest.do(1, 'finish'), { at: 'released', lock: null });
  const taken = await guest.do(2, 'finish');
  t.like(taken, { at: 'exclusive', lock: { mode: 'EX', state: 'held' } });
  t.true((taken.lock?.generation ?? 0) > before);
  await guest.untilHome(2);
});

scenario('each step may be asked for again', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  t.like(await guest.do(1, 'open'), { at: 'offered' });
  await guest.do(2, 'join');
  t.like(await guest.do(2, 'join'), { at: 'joined' });
  t.like(await guest.do(1, 'open'), { at: 'joined' });
  await guest.do(1, 'finish');
  t.like(await guest.do(2, 'finish'), { at: 'exclusive' });
  t.like(await guest.do(1, 'finish'), { at: 'released' });
  t.like(await guest.do(2, 'finish'), { at: 'exclusive' });
  t.like(await guest.do(2, 'join'), { at: 'exclusive' });
});

scenario('a join may come before the offer', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  const joining = guest.ask(2, 'join');
  await world.advance(500);
  t.is(guest.lockOf(2), null);
  await guest.do(1, 'open');
  t.like(await world.finish(joining), { at: 'joined' });
});

scenario('a join that nobody offers is refused when its time is up', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await t.throwsAsync(guest.do(2, 'join', 1_000), { code: 'NOT_OFFERED' });
  await guest.untilHome(1);
});

scenario('nothing is given up before the other has joined', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  await t.throwsAsync(guest.do(1, 'finish'), { code: 'NOT_JOINED' });
  t.like(guest.lockOf(1), { mode: 'CW', state: 'held' });
});

scenario('an offer that nobody joins is taken back in time, with its generation', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  const before = guest.lockOf(1)?.generation;
  await guest.do(1, 'open', 10_000);
  await world.advance(9_000);
  t.is(guest.lockOf(1)?.mode, 'CW');
  await guest.untilHome(1);
  t.is(guest.lockOf(1)?.generation, before);
});

scenario('the source aborts: the other gives up its part, and it is alone again', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  const before = guest.lockOf(1)?.generation;
  await guest.do(1, 'open');
  await guest.do(2, 'join');
  t.like(await guest.do(1, 'abort'), { at: 'exclusive', lock: { mode: 'EX', generation: before } });
  await guest.untilHome(1);
  await guest.do(1, 'open');
  await guest.do(2, 'join');
  await guest.do(1, 'finish');
  await guest.untilHome(2);
});

scenario('the destination aborts: the source has it alone again', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  await guest.do(2, 'join');
  t.like(await guest.do(2, 'abort'), { at: 'released', lock: null });
  await guest.untilHome(1);
});

scenario('both say contrary things at once: still one has it', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  await guest.do(2, 'join');
  const asked = [guest.ask(2, 'abort'), guest.ask(1, 'finish')];
  await world.finish(Promise.allSettled(asked));
  t.is(await guest.conclude(), 2, 'the source had given it up when it heard');
  const taken = await world.finish(asked[0] ?? Promise.reject(new Error('not asked')));
  t.is(taken.at, 'exclusive', 'and the one who wanted out is told that it has it');
});

scenario('a release at the destination leaves it to the source', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  await guest.do(2, 'join');
  t.like(await world.release(2, 'disk', 'guest'), { released: true });
  await guest.untilHome(1);
});

scenario('a release at the source leaves it to the destination', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  await guest.do(2, 'join');
  t.like(await world.release(1, 'disk', 'guest'), { released: true });
  await guest.untilHome(2);
});

scenario('meanwhile its owner is refused anything else, and told why', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  const refused = { code: 'HANDOVER', message: /is being handed over to n2/ };
  await t.throwsAsync(world.acquire(1, 'disk', { owner: 'guest' }), refused);
  await guest.do(2, 'join');
  await t.throwsAsync(world.acquire(2, 'disk', { owner: 'guest' }), {
    code: 'HANDOVER', message: /is being handed over from n1/,
  });
});

scenario('only what a named owner has alone is handed over, to a node that is there', async (t, world) => {
  const guest = new Guest(t, world);
  await t.throwsAsync(guest.do(1, 'open'), { code: 'NOT_HELD' });
  await world.acquire(1, 'disk', { owner: 'guest', mode: 'PR' });
  await t.throwsAsync(guest.do(1, 'open'), { code: 'NOT_OWNER', message: /is held in PR/ });
  await world.release(1, 'disk', 'guest');
  world.node(2).crash();
  await world.until('n2 gone', () => world.view(1, 2)?.state === 'daemon-down');
  await guest.begin();
  await t.throwsAsync(guest.do(1, 'open'), { code: 'NO_SUCH_NODE' });
  await guest.untilHome(1);
});

scenario('no owner can have a lock in CW or CR', async (t, world) => {
  for (const mode of ['CW', 'CR'] as const) {
    await t.throwsAsync(world.acquire(1, 'free', { mode }), { code: 'MODE_RESERVED' });
  }
});

scenario('every node explains that a handover is under way, and what would end it', async (t, world) => {
  const guest = new Guest(t, world);
  await guest.begin();
  await guest.do(1, 'open');
  const told = async (): Promise<string> => {
    const { sentences } = await world.finish(world.at(3).explain('disk'));
    return sentences[0] ?? '';
  };
  const opened = /^A handover is under way from n1 to n2 since 2.*Z: .* n2 has not joined yet/;
  t.regex(await told(), opened);
  await guest.do(2, 'join');
  t.regex(await told(), /'holdfast handover finish' on n1 gives it to n2/);
});
