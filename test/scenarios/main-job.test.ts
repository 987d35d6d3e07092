import { CoordinatorError } from '../../src/coordinator/index.js';
import { scenario } from './support/scenario.js';

scenario('a lock outlives its daemon, is adopted, and moves on when its node dies', async (t, world) => {
  const first = await world.acquire(1, 'vm', { owner: 'alpha' });
  t.is(first.state, 'held');
  await world.untilSeen('vm', ['n1 EX held alpha']);

  world.node(1).crash();
  await world.untilSeen('vm', ['n1 EX orphaned alpha']);
  await t.throwsAsync(world.acquire(2, 'vm'), { code: 'HELD', message: /daemon on n1 is down, but its lock holds/ });

  await world.start(1);
  await world.untilSeen('vm', ['n1 EX held alpha']);

  const waiting = world.ask(2, 'vm', { owner: 'standby', waitMs: null });
  await world.untilSeen('vm', ['n1 EX held alpha', 'n2 EX waiting standby']);
  world.powerOff(1);
  await world.until('node-down', () => world.view(3, 1)?.state === 'node-down');
  t.is(waiting.outcome, 'open', 'a node that left the ring still holds its locks');
  const granted = await world.finish(waiting.promise);
  t.regex(granted.note ?? '', /^was granted \d+ ms after corosync reported n1 gone$/);
  await world.untilSeen('vm', ['n2 EX held standby']);
  t.is(world.view(3, 1)?.state, 'recovered');
});

scenario('a refused acquire names owner, node and since, and what is in the way', async (t, world) => {
  const held = await world.acquire(1, 'disk', { owner: 'alpha' });
  const refusal = await t.throwsAsync(world.acquire(2, 'disk'), { instanceOf: CoordinatorError });
  t.is(refusal.code, 'HELD');
  t.true(refusal.retryable);
  t.deepEqual(refusal.holders.map(({ node, owner, since }) => ({ node, owner, since })), [
    { node: { id: 1, name: 'n1' }, owner: { kind: 'named', name: 'alpha' }, since: held.since },
  ]);
  t.regex(refusal.message, /EX on 'disk' was refused: alpha holds it EX on n1 since 20\d\d-/);
});

scenario('the same owner acquires and releases as often as it likes', async (t, world) => {
  const { signal } = new AbortController();
  const owner = { kind: 'named', name: 'alpha' } as const;
  const request = { resource: 'disk', mode: 'EX', owner, waitMs: 0, signal } as const;
  t.true((await world.finish(world.at(1).acquire(request))).acquired);
  t.false((await world.finish(world.at(1).acquire(request))).acquired);
  t.deepEqual(await world.release(1, 'disk', owner), { released: true, pending: false });
  t.deepEqual(await world.release(1, 'disk', owner), { released: false, pending: false });
  await world.untilSeen('disk', []);
});

scenario('releasing what another owner or another node holds is refused, and says where', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  await world.untilSeen('disk', ['n1 EX held alpha']);
  await t.throwsAsync(world.release(1, 'disk', 'beta'), { code: 'NOT_OWNER' });
  await t.throwsAsync(world.release(2, 'disk', 'alpha'), {
    code: 'NOT_HELD', message: /holds 'disk' on n1; release it there/,
  });
  await world.untilSeen('disk', ['n1 EX held alpha']);
});

scenario('shared locks are held side by side, and an exclusive one waits for both', async (t, world) => {
  await world.acquire(1, 'image', { mode: 'PR' });
  await world.acquire(2, 'image', { mode: 'PR' });
  const writer = world.ask(3, 'image', { waitMs: null });
  await world.untilSeen('image', ['n1 PR held n1', 'n2 PR held n2', 'n3 EX waiting n3']);
  await world.release(1, 'image');
  await world.advance(500);
  t.is(writer.outcome, 'open');
  await world.release(2, 'image');
  await world.finish(writer.promise);
  await world.untilSeen('image', ['n3 EX held n3']);
});
