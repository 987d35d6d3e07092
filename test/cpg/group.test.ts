import test from 'ava';
import {
  CS_ERR_ACCESS, CS_ERR_LIBRARY, CS_ERR_TRY_AGAIN, CS_OK,
} from '../../src/native/corotypes.js';
import { ENQUIRIES_WAITING_MAX } from '../../src/cpg/enquiries.js';
import { CpgGroup } from '../../src/cpg/group.js';
import { GROUP_LIMITS } from '../../src/cpg/group-limits.js';
import { CpgError } from '../../src/cpg/index.js';
import { BUFFERS_MAX } from '../../src/cpg/payload.js';
import { FakeClock } from './support/fake-clock.js';
import { FakeConnection, message, PEER, SELF, view } from './support/fake-connection.js';

function setUp() {
  const clock = new FakeClock();
  const connection = new FakeConnection();
  const group = new CpgGroup({ connection, clock, pid: SELF.pid });
  const heard: string[] = [];
  group.on('message', (from, payload) => heard.push(`${from.nodeId} ${String(payload)}`));
  group.on('view', ({ members }) => heard.push(`view ${members.map((m) => m.nodeId).join()}`));
  group.on('ring', (ring, nodeIds) => heard.push(`ring ${ring.seq} ${nodeIds.join()}`));
  group.on('lost', (cause) => heard.push(`lost ${cause.code}`));
  const join = async (): Promise<void> => {
    const joined = group.join('g');
    connection.deliver(view([SELF]));
    await joined;
  };
  return { clock, connection, group, heard, join };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (thrown: unknown) => (thrown instanceof CpgError ? thrown.code : String(thrown)),
  );

/** Lets everything run that waits for promises only. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a join resolves when our own membership is delivered, and not before', async (t) => {
  const { group, connection, heard } = setUp();
  let joined = false;
  const joining = group.join('g').then(() => {
    joined = true;
  });
  connection.deliver(view([PEER]));
  await turn();
  t.false(joined);
  connection.deliver(view([PEER, SELF]));
  await joining;
  t.deepEqual(heard, ['view 2', 'view 2,1']);
  t.deepEqual(connection.calls, ['join g']);
});

test('a join asks again after TRY_AGAIN, with pauses', async (t) => {
  const { group, connection, clock } = setUp();
  connection.changeStatuses.push(CS_ERR_TRY_AGAIN, CS_ERR_TRY_AGAIN);
  const joining = group.join('g');
  for (const calls of [1, 2]) {
    await turn();
    t.is(connection.calls.length, calls);
    clock.advance(GROUP_LIMITS.changeRetryDelayMs);
  }
  await turn();
  connection.deliver(view([SELF]));
  await joining;
  t.is(connection.calls.length, 3);
});

test('a join that is never confirmed ends with TIMEOUT and asks no more', async (t) => {
  const { group, connection, clock } = setUp();
  connection.changeStatuses.push(...Array<number>(10_000).fill(CS_ERR_TRY_AGAIN));
  const joining = codeOf(group.join('g'));
  await turn();
  clock.advance(GROUP_LIMITS.changeMsMax);
  t.is(await joining, 'TIMEOUT');
  const calls = connection.calls.length;
  clock.advance(1000);
  await turn();
  t.is(connection.calls.length, calls);
  t.is(clock.armed, 0);
});

test('a refused join leaves the group open for another attempt', async (t) => {
  const { group, connection, join } = setUp();
  connection.changeStatuses.push(CS_ERR_ACCESS);
  t.is(await codeOf(group.join('g')), 'ACCESS');
  await join();
  t.is(connection.calls.length, 2);
});

test('after a leave nothing is told, although corosync goes on telling', async (t) => {
  const { group, connection, heard, join } = setUp();
  await join();
  const leaving = group.leave();
  await turn();
  connection.deliver(view([PEER]));
  await leaving;
  const told = [...heard];
  connection.deliver(view([PEER]), message(PEER, 'late'), { kind: 'ring', ring: { nodeId: 1, seq: 8n }, nodeIds: [1] });
  t.deepEqual(heard, told);
  connection.dead = CS_ERR_LIBRARY;
  connection.wake();
  t.deepEqual(heard, [...told, 'lost LOST']);
});

test('a group name that is no well-formed text is refused', async (t) => {
  const { group, connection } = setUp();
  t.is(await codeOf(group.join('\udc00')), 'INVALID_PARAM');
  t.deepEqual(connection.calls, []);
});

test('a second join is refused, also after a leave', async (t) => {
  const { group, connection, join } = setUp();
  await join();
  t.is(await codeOf(group.join('g')), 'EXIST');
  const leaving = group.leave();
  await turn();
  connection.deliver(view([PEER], [SELF]));
  await leaving;
  t.is(await codeOf(group.join('g')), 'EXIST');
  t.is(await codeOf(group.multicast(Buffer.from('late'))), 'NOT_JOINED');
});

for (const [name, code] of [['', 'INVALID_PARAM'], ['é'.repeat(65), 'NAME_TOO_LONG']] as const) {
  test(`a group name of ${name.length} characters is refused with ${code}`, async (t) => {
    const { group, connection } = setUp();
    t.is(await codeOf(group.join(name)), code);
    t.deepEqual(connection.calls, []);
  });
}

test('a multicast before the join is refused with NOT_JOINED and never sent', async (t) => {
  const { group, connection, join } = setUp();
  t.is(await codeOf(group.multicast(Buffer.from('early'))), 'NOT_JOINED');
  await join();
  t.deepEqual(connection.sent, []);
});

test('a listener of the first view may multicast at once', async (t) => {
  const { group, connection } = setUp();
  group.once('view', () => void codeOf(group.multicast(Buffer.from('hello'))));
  const joining = group.join('g');
  await turn();
  connection.deliver(view([SELF]));
  await joining;
  t.deepEqual(connection.sent.map((bytes) => Buffer.from(bytes).toString()), ['hello']);
});

test('a payload above the maximum is refused with TOO_BIG', async (t) => {
  const { group, connection, join } = setUp();
  await join();
  t.is(await codeOf(group.multicast(new Uint8Array(1001))), 'TOO_BIG');
  t.deepEqual(connection.sent, []);
});

test('a payload may be overwritten by its owner after the call', async (t) => {
  const { group, connection, join, clock } = setUp();
  await join();
  connection.sendStatuses.push(CS_ERR_TRY_AGAIN);
  const payload = Buffer.from('before');
  const sent = group.multicast(payload);
  payload.write('after!');
  clock.advance(1);
  t.deepEqual(connection.sent.map((bytes) => Buffer.from(bytes).toString()), ['before']);
  connection.deliver(message(SELF, 'before'));
  await t.notThrowsAsync(sent);
});

test('when all that was in flight is lost, it is rejected after a bound and the group is lost', async (t) => {
  const { group, clock, heard, join } = setUp();
  await join();
  const { silenceMsMax, graceMs } = GROUP_LIMITS.echoWatch;
  const sent = codeOf(group.multicast(Buffer.from('gone')));
  clock.advance(silenceMsMax + graceMs - 1);
  t.deepEqual(heard, ['view 1']);
  clock.advance(1);
  t.is(await sent, 'LOST');
  t.deepEqual(heard, ['view 1', 'lost LOST']);
  t.is(clock.armed, 0);
});

test('an echo that waited while the loop was held saves the message', async (t) => {
  const { group, connection, clock, heard, join } = setUp();
  await join();
  const { silenceMsMax } = GROUP_LIMITS.echoWatch;
  const sent = codeOf(group.multicast(Buffer.from('late')));
  clock.advance(silenceMsMax);
  connection.deliver(message(SELF, 'late'));
  t.is(await sent, 'resolved');
  clock.advance(10 * silenceMsMax);
  t.deepEqual(heard, ['view 1', '1 late']);
  t.is(clock.armed, 0);
});

test('only our own copy settles a multicast, not a peer with the same bytes', async (t) => {
  const { group, connection, join } = setUp();
  await join();
  let settled = false;
  const sent = group.multicast(Buffer.from('same')).then(() => {
    settled = true;
  });
  connection.deliver(message(PEER, 'same'), message({ ...SELF, pid: 101 }, 'same'));
  await turn();
  t.false(settled);
  connection.deliver(message(SELF, 'same'));
  await sent;
});

test('events come in corosync\'s order', async (t) => {
  const { connection, heard, join } = setUp();
  await join();
  connection.deliver(
    message(PEER, 'a'), view([SELF, PEER]),
    { kind: 'ring', ring: { nodeId: 1, seq: 8n }, nodeIds: [1, 2] }, message(PEER, 'b'),
  );
  t.deepEqual(heard, ['view 1', '2 a', 'view 1,2', 'ring 8 1,2', '2 b']);
});

test('one turn hands out events for its budget only; the next wake-up goes on', async (t) => {
  const { connection, heard, join, clock } = setUp();
  await join();
  connection.onDispatch = () => clock.spend(1);
  connection.queue(...Array.from({ length: 12 }, (_, index) => message(PEER, `${index}`)));
  connection.wake();
  t.is(connection.queued, 12 - GROUP_LIMITS.dispatchBudgetMs);
  for (let wakes = 1; connection.queued > 0 && wakes < 12; wakes += 1) connection.wake();
  t.is(heard.length, 13);
});

test('the death of corosync is told once, and rejects all that waits with LOST', async (t) => {
  const { connection, group, heard, join } = setUp();
  await join();
  const waiting = codeOf(group.multicast(Buffer.from('x')));
  connection.dead = CS_ERR_LIBRARY;
  connection.deliver(message(PEER, 'last words'));
  connection.wake();
  t.is(await waiting, 'LOST');
  t.deepEqual(heard, ['view 1', '2 last words', 'lost LOST']);
  t.is(await codeOf(group.multicast(Buffer.from('y'))), 'LOST');
  t.is(connection.calls.filter((call) => call === 'close').length, 1);
});

test('a death during the join rejects the join with LOST', async (t) => {
  const { connection, group } = setUp();
  const joining = codeOf(group.join('g'));
  connection.dead = CS_ERR_LIBRARY;
  connection.wake();
  t.is(await joining, 'LOST');
});

test('an event that cannot be read breaks the order, so the group is lost', async (t) => {
  const { connection, heard, join } = setUp();
  await join();
  connection.deliver({ kind: 'broken', cause: new Error('bad') }, message(PEER, 'after'));
  t.deepEqual(heard, ['view 1', 'lost LOST']);
});

test('leaving rejects what was not sent and waits for our own departure', async (t) => {
  const { connection, group, join } = setUp();
  await join();
  connection.sendStatuses.push(1, CS_ERR_TRY_AGAIN);
  const [sent, queued] = ['a', 'b'].map((text) => codeOf(group.multicast(Buffer.from(text))));
  const leaving = group.leave();
  t.is(await queued, 'NOT_JOINED');
  connection.deliver(message(SELF, 'a'), view([PEER], [SELF]));
  await leaving;
  t.is(await sent, 'resolved');
});

test('closing rejects what waits with CLOSED, tells no loss, and may be repeated', async (t) => {
  const { connection, group, heard, join, clock } = setUp();
  await join();
  const waiting = codeOf(group.multicast(Buffer.from('x')));
  await group.close();
  await group.close();
  connection.deliver(message(PEER, 'late'));
  t.is(await waiting, 'CLOSED');
  t.is(await codeOf(group.multicast(Buffer.from('y'))), 'CLOSED');
  t.deepEqual(heard, ['view 1']);
  t.is(clock.armed, 0);
});

test('a listener that closes the group hears nothing more', async (t) => {
  const { connection, group, heard, join } = setUp();
  await join();
  group.once('message', () => void group.close());
  connection.deliver(message(PEER, 'a'), message(PEER, 'b'));
  t.deepEqual(heard, ['view 1', '2 a']);
});

test('a guarantee goes to corosync as it is, and an unknown one is refused', async (t) => {
  const { group, connection, join } = setUp();
  await join();
  for (const guarantee of ['unordered', 'fifo', 'agreed', 'safe'] as const) {
    void codeOf(group.multicast(Buffer.from('x'), guarantee));
  }
  t.deepEqual(connection.guarantees, [0, 1, 2, 3]);
  t.is(await codeOf(group.multicast(Buffer.from('x'), 'best' as 'safe')), 'INVALID_PARAM');
});

test('several buffers are one message, and what are no bytes is refused', async (t) => {
  const { group, connection, join } = setUp();
  await join();
  void codeOf(group.multicast(['a', '', 'bc'].map((part) => Buffer.from(part))));
  t.deepEqual(connection.sent.map((bytes) => Buffer.from(bytes).toString()), ['abc']);
  const tooMany = Array<Uint8Array>(BUFFERS_MAX + 1).fill(new Uint8Array(0));
  for (const bad of ['text', 7, null, {}, [1], [Buffer.from('a'), 'b'], tooMany]) {
    t.is(await codeOf(group.multicast(bad as Uint8Array)), 'INVALID_PARAM');
  }
  t.is(await codeOf(group.multicast([new Uint8Array(600), new Uint8Array(401)])), 'TOO_BIG');
  t.is(connection.sent.length, 1);
});

test('a name may be bytes, and what is neither text nor bytes is refused', async (t) => {
  const { group, connection } = setUp();
  t.is(await codeOf(group.join(7 as never)), 'INVALID_PARAM');
  t.is(await codeOf(group.join(new Uint8Array(129))), 'NAME_TOO_LONG');
  void codeOf(group.join(Buffer.from('g\0')));
  await turn();
  t.deepEqual(connection.calls, ['join g\0']);
});

test('questions are asked one after the other, and the end of the group answers them all', async (t) => {
  const { group, connection, join } = setUp();
  await join();
  const answers = [group.membership(), group.groupNames(), group.membersOf('h')];
  await turn();
  t.deepEqual(connection.asked.map(({ what }) => what), ['membership g']);
  connection.asked[0]?.answer([SELF]);
  t.deepEqual(await answers[0], [SELF]);
  await turn();
  t.deepEqual(connection.asked.map(({ what }) => what), ['membership g', 'groupNames']);
  const outcomes = answers.slice(1).map(codeOf);
  connection.dead = CS_ERR_LIBRARY;
  connection.wake();
  t.deepEqual(await Promise.all(outcomes), ['LOST', 'LOST']);
  connection.asked[1]?.answer([]);
  await turn();
  t.is(connection.asked.length, 2);
  t.is(await codeOf(group.groups()), 'LOST');
});

test('no more questions wait than the bound says', async (t) => {
  const { group, connection } = setUp();
  const asked = Array.from({ length: ENQUIRIES_WAITING_MAX + 2 }, () =>
    codeOf(group.localNodeId()));
  t.is(await asked.at(-1), 'QUEUE_FULL');
  await turn();
  t.is(connection.asked.length, 1);
  await group.close();
  t.true((await Promise.all(asked.slice(0, -1))).every((code) => code === 'CLOSED'));
});

test('context and flow control are answered at once, and refused after the end', async (t) => {
  const { group, connection } = setUp();
  t.is(group.context, 0n);
  group.context = 2n ** 64n - 1n;
  t.is(group.context, 2n ** 64n - 1n);
  for (const bad of [-1n, 2n ** 64n, 7]) {
    t.throws(() => {
      group.context = bad as bigint;
    }, { code: 'INVALID_PARAM' });
  }
  t.is(group.flowControl(), 'disabled');
  connection.flowState = 1;
  t.is(group.flowControl(), 'enabled');
  await group.close();
  t.throws(() => group.context, { code: 'CLOSED' });
  t.throws(() => group.flowControl(), { code: 'CLOSED' });
});

test('our own message is delivered in the bytes that were kept, a peer\'s in its own', async (t) => {
  const { group, connection, join } = setUp();
  await join();
  const got: Uint8Array[] = [];
  group.on('message', (_from, payload) => got.push(payload));
  const sent = group.multicast(Buffer.from('same'));
  connection.deliver(message(PEER, 'same'), message(SELF, 'same'));
  await sent;
  t.is(got[1], connection.sent[0]);
  t.not(got[0], connection.sent[0]);
});

test('a listener that leaves stops the turn: the handle is another thread\'s until it is answered', async (t) => {
  const { group, connection, heard, join } = setUp();
  await join();
  connection.holdChanges = true;
  let leaving: Promise<void> = Promise.resolve();
  group.once('message', () => {
    leaving = group.leave();
  });
  connection.deliver(message(PEER, 'a'), message(PEER, 'b'));
  t.deepEqual(connection.calls, ['join g', 'leave g']);
  t.deepEqual(heard, ['view 1', '2 a']);
  connection.answerChange(CS_OK);
  await turn();
  connection.deliver(view([PEER], [SELF]));
  await leaving;
  t.deepEqual(heard, ['view 1', '2 a', '2 b', 'view 2']);
});

test('a message in fragments costs one turn, not one for each of them', async (t) => {
  const { connection, heard, join } = setUp();
  await join();
  connection.fragments = 60;
  connection.deliver(message(PEER, 'whole'));
  t.deepEqual(heard, ['view 1', '2 whole']);
});

test('a turn that brings nothing ends, however long corosync says OK', async (t) => {
  const { connection, join } = setUp();
  await join();
  connection.fragments = 1_000_000;
  connection.wake();
  t.true(connection.fragments > 990_000);
  t.true(connection.fragments < 1_000_000);
});

test('a dispatch that cannot be made loses the group instead of ending the poll silently', async (t) => {
  const { connection, group, heard, join } = setUp();
  await join();
  const waiting = codeOf(group.multicast(Buffer.from('x')));
  connection.dispatchThrows = new Error('koffi');
  t.notThrows(() => connection.wake());
  t.is(await waiting, 'LOST');
  t.deepEqual(heard, ['view 1', 'lost LOST']);
});

test('a join that cannot even be asked rejects, and may be tried again', async (t) => {
  const { connection, group, join, clock } = setUp();
  connection.holdChanges = true;
  const joining = codeOf(group.join('g'));
  connection.answerChange(new Error('koffi'));
  t.is(await joining, 'NO_RESOURCES');
  t.is(clock.armed, 0);
  connection.holdChanges = false;
  await t.notThrowsAsync(join());
});

for (const [outcome, code] of [
  [new Error('koffi'), 'NO_RESOURCES'], [CS_ERR_ACCESS, 'ACCESS'],
] as const) {
  test(`a leave that fails with ${code} leaves the group joined`, async (t) => {
    const { connection, group, join, clock } = setUp();
    await join();
    connection.holdChanges = true;
    const leaving = codeOf(group.leave());
    connection.answerChange(outcome);
    t.is(await leaving, code);
    t.is(clock.armed, 0);
    const sent = group.multicast(Buffer.from('still in'));
    connection.deliver(message(SELF, 'still in'));
    await t.notThrowsAsync(sent);
    const again = group.leave();
    connection.answerChange(CS_OK);
    await turn();
    connection.deliver(view([PEER], [SELF]));
    await t.notThrowsAsync(again);
  });
}
