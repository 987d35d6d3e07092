import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { eachMessage, readFrame } from '../../../src/cpg/channel/frame.js';
import {
  CpgError, openChannel, type Channel, type ChannelOptions, type Group, type OpenGroup,
} from '../../../src/cpg/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeGroup, PEER, SELF, settle } from './fake-group.js';
import { batchFrame, chunkFrames } from './frames.js';

const text = (value: string): Uint8Array => Buffer.from(value);

/** A channel that has joined its first fake group; `groups` are those that it opens later. */
async function joined(options: ChannelOptions = {}, later: readonly FakeGroup[] = []) {
  const world = setUp(options, [new FakeGroup(), ...later]);
  await world.channel.join('g');
  return { ...world, group: world.groups[0] ?? new FakeGroup() };
}

function setUp(options: ChannelOptions = {}, groups: readonly (FakeGroup | CpgError)[] = []) {
  const clock = new FakeClock();
  const rest = [...groups];
  const openGroup: OpenGroup = () => {
    const next = rest.shift() ?? new CpgError('LIBRARY', 'open', 'not there', { retryable: true });
    return next instanceof CpgError ? Promise.reject(next) : Promise.resolve<Group>(next);
  };
  const channel = openChannel({ openGroup, clock, ...options });
  const fakes = groups.filter((one) => one instanceof FakeGroup);
  return { channel, clock, told: tellAll(channel), groups: fakes };
}

function tellAll(channel: Channel): string[] {
  const told: string[] = [];
  channel.on('connected', ({ nodeId }) => told.push(`connected ${nodeId}`));
  channel.on('disconnected', ({ code }) => told.push(`disconnected ${code}`));
  channel.on('retrying', ({ code }, delayMs) => told.push(`retrying ${code} ${delayMs}`));
  channel.on('view', ({ members }, fresh) => told.push(`view ${members.length} ${fresh}`));
  channel.on('message', ({ nodeId }, payload) =>
    told.push(`${nodeId}: ${payload.length > 20 ? payload.length : Buffer.from(payload).toString()}`));
  channel.on('rejected', (_from, { reason }) => told.push(`rejected ${reason}`));
  channel.on('undelivered', (messages) => told.push(`undelivered ${messages}`));
  channel.on('foreign', ({ reason, count }) => told.push(`foreign ${reason} ${count}`));
  return told;
}

const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(
  () => 'ok', (thrown: unknown) => (thrown instanceof CpgError ? thrown.code : String(thrown)));

function throwsCode(t: ExecutionContext, call: () => unknown, code: string): void {
  const error = t.throws(call, { instanceOf: CpgError });
  t.is(String(error?.code), code);
}

/** What is in the frames that were sent: texts of batches, offsets of chunks. */
function sentBy(group: FakeGroup): readonly string[] {
  return group.inFlight.map(({ frame }) => {
    const read = readFrame(frame);
    if (read.kind === 'chunk') return `chunk ${read.chunk.message} @${read.chunk.offset}`;
    if (read.kind !== 'batch') return read.kind;
    const messages: string[] = [];
    eachMessage(frame, (message) => messages.push(Buffer.from(message).toString()) > 0);
    return messages.join('+');
  });
}

test('what is sent in one turn of the loop goes in one frame, at its end', async (t) => {
  const { channel, group, told } = await joined();
  for (const word of ['a', 'b', 'c']) t.true(channel.trySend(text(word)));
  t.deepEqual(sentBy(group), []);
  await settle();
  t.deepEqual(sentBy(group), ['a+b+c']);
  channel.trySend(text('d'));
  await settle();
  t.deepEqual(sentBy(group), ['a+b+c', 'd']);
  await group.echo();
  t.deepEqual(told.slice(2), ['1: a', '1: b', '1: c', '1: d']);
});

test('the caller may write into the payload as soon as trySend has returned', async (t) => {
  const { channel, group } = await joined({ batchBytesMax: 64 });
  const arrived: number[] = [];
  channel.on('message', (_from, payload) => arrived.push(...payload));
  const small = new Uint8Array(3).fill(1);
  const large = new Uint8Array(100).fill(1);
  channel.trySend(small);
  channel.trySend(large);
  small.fill(2);
  large.fill(2);
  await settle();
  await group.echo();
  t.deepEqual(arrived, Array.from({ length: 103 }, () => 1));
});

test('with a delay, messages of several turns share a frame, until the delay is over', async (t) => {
  const { channel, group, clock } = await joined({ batchDelayMs: 5 });
  channel.trySend(text('a'));
  await settle();
  channel.trySend(text('b'));
  await clock.advance(4);
  t.deepEqual(sentBy(group), []);
  await clock.advance(1);
  t.deepEqual(sentBy(group), ['a+b']);
});

test('a batch ends at its bound of bytes and at its bound of messages', async (t) => {
  const bytes = await joined({ batchBytesMax: 64 });
  for (const word of ['x'.repeat(31), 'y'.repeat(10), 'z'.repeat(10)]) {
    bytes.channel.trySend(text(word));
  }
  await settle();
  t.deepEqual(sentBy(bytes.group), ['x'.repeat(31), `${'y'.repeat(10)}+${'z'.repeat(10)}`]);
  const count = await joined({ batchMessagesMax: 2 });
  for (const word of ['a', 'b', 'c']) count.channel.trySend(text(word));
  await settle();
  t.deepEqual(sentBy(count.group), ['a+b', 'c']);
});

test('while the window is full, small messages gather across turns', async (t) => {
  const { channel, group } = await joined({ inFlightFramesMax: 1 });
  for (const word of ['a', 'b', 'c', 'd']) {
    channel.trySend(text(word));
    await settle();
  }
  t.deepEqual(sentBy(group), ['a']);
  await group.echo();
  t.deepEqual(sentBy(group), ['b+c+d']);
});

test('small and large messages go in the order of the calls', async (t) => {
  const { channel, group, told } = await joined({ batchBytesMax: 64, chunkBytesMax: 40 });
  channel.trySend(text('a'));
  channel.trySend(new Uint8Array(100));
  channel.trySend(text('b'));
  await settle();
  t.deepEqual(sentBy(group), ['a', 'chunk 1 @0', 'chunk 1 @40', 'chunk 1 @80', 'b']);
  await group.echo();
  t.deepEqual(told.slice(2), ['1: a', '1: 100', '1: b']);
});

test('trySend says no when there is no room, ready says when there is, and sends wait in turn', async (t) => {
  const { channel, group, told } = await joined({ inFlightFramesMax: 1, queuedMessagesMax: 2 });
  channel.trySend(text('a'));
  await settle();
  t.true(channel.trySend(text('b')));
  t.true(channel.trySend(text('c')));
  t.false(channel.trySend(text('d')));
  const order: string[] = [];
  const send = channel.send(text('e')).then(() => order.push('e'));
  const ready = channel.ready().then(() => order.push('ready'));
  const awaited = channel.multicast(text('f')).then(() => order.push('f'));
  await settle();
  t.deepEqual(order, []);
  await group.echo();
  await Promise.all([send, ready]);
  t.deepEqual(order, ['e', 'ready']);
  await group.echo();
  await group.echo();
  await awaited;
  t.deepEqual(told.slice(2), ['1: a', '1: b', '1: c', '1: e', '1: f']);
});

test('no more calls than the bound may wait for room', async (t) => {
  const { channel } = await joined({
    inFlightFramesMax: 1, queuedMessagesMax: 1, waitingSendsMax: 2,
  });
  channel.trySend(text('a'));
  await settle();
  channel.trySend(text('b'));
  const waiting = [channel.send(text('c')), channel.ready()].map(codeOf);
  t.is(await codeOf(channel.send(text('d'))), 'QUEUE_FULL');
  await channel.close();
  t.deepEqual(await Promise.all(waiting), ['CLOSED', 'CLOSED']);
});

test('flush resolves when all that was taken before has come back', async (t) => {
  const { channel, group } = await joined();
  await channel.flush();
  channel.trySend(text('a'));
  let flushed = false;
  const flush = channel.flush().then(() => (flushed = true));
  await settle();
  t.false(flushed);
  channel.trySend(text('b'));
  await group.echo();
  await flush;
  const first = await Promise.race([channel.flush(), settle().then(() => 'pending')]);
  t.is(first, 'pending');
  await group.echo();
  await channel.flush();
});

test('many may await the same point, and share it', async (t) => {
  const { channel, group } = await joined();
  channel.trySend(text('a'));
  const flushes = Array.from({ length: 100 }, () => codeOf(channel.flush()));
  await settle();
  await group.echo();
  t.deepEqual(new Set(await Promise.all(flushes)), new Set(['ok']));
});

test('a lost frame rejects what was in it, and the connection goes on', async (t) => {
  const { channel, group, told } = await joined();
  const lost = codeOf(channel.multicast(text('a')));
  const flush = codeOf(channel.flush());
  await settle();
  await group.loseFrame();
  t.deepEqual([await lost, await flush], ['LOST', 'LOST']);
  const next = codeOf(channel.multicast(text('b')));
  await settle();
  await group.echo();
  t.is(await next, 'ok');
  t.deepEqual(told.slice(2), ['undelivered 1', '1: b']);
});

test('a lost chunk ends its message: an abort is sent, the rest is not', async (t) => {
  const { channel, group, told } = await joined({
    batchBytesMax: 64, chunkBytesMax: 40, inFlightFramesMax: 2,
  });
  const large = codeOf(channel.multicast(new Uint8Array(400)));
  const small = codeOf(channel.multicast(text('b')));
  t.deepEqual(sentBy(group), ['chunk 1 @0', 'chunk 1 @40']);
  await group.loseFrame();
  t.is(await large, 'LOST');
  t.deepEqual(sentBy(group), ['chunk 1 @40', 'abort']);
  await group.echo();
  await settle();
  await group.echo();
  t.is(await small, 'ok');
  t.deepEqual(told.slice(2), ['undelivered 1', 'rejected no-start', '1: b']);
});

test('corosync dies: all that is unsettled is LOST and retryable, then it comes back afresh', async (t) => {
  const second = new FakeGroup();
  const { channel, group, clock, told } = await joined({ inFlightFramesMax: 1 }, [second]);
  const unsettled = [channel.multicast(text('a')), channel.flush()];
  await settle();
  unsettled.push(channel.multicast(text('b')));
  channel.trySend(text('c'));
  const codes = unsettled.map(codeOf);
  await group.die();
  t.deepEqual(await Promise.all(codes), ['LOST', 'LOST', 'LOST']);
  t.deepEqual(group.calls, ['join g', 'close']);
  t.is(channel.self, null);
  const refused = await t.throwsAsync(channel.send(text('d')), { instanceOf: CpgError });
  t.is(refused?.code, 'NOT_JOINED');
  t.true(refused?.retryable);
  const ready = channel.ready();
  await clock.advance(199);
  t.deepEqual(second.calls, []);
  await clock.advance(1);
  await ready;
  t.deepEqual(channel.self, SELF);
  await settle();
  t.deepEqual(sentBy(second), []);
  t.deepEqual(told, [
    'connected 1', 'view 1 true', 'undelivered 3', 'disconnected LOST', 'connected 1', 'view 1 true',
  ]);
});

test('a view without ourselves is the end of that connection, too', async (t) => {
  const second = new FakeGroup();
  const { group, clock, told } = await joined({}, [second]);
  group.view([PEER], [SELF]);
  await settle();
  t.deepEqual(told.slice(2), ['view 1 false', 'disconnected LOST']);
  await clock.advance(200);
  t.deepEqual(told.slice(4), ['connected 1', 'view 1 true']);
});

test('what had come of a large message when the connection went is told as rejected', async (t) => {
  const { group, told } = await joined();
  const [first] = chunkFrames(text('long'), { message: 1, sequence: 1, chunkBytes: 2 });
  group.deliver(PEER, first ?? text(''));
  await group.die();
  t.deepEqual(told.slice(2), ['rejected disconnected', 'disconnected LOST']);
});

test('attempts follow each other after 0.2 to 5 s, and each is told', async (t) => {
  const { channel, clock, told } = setUp();
  const join = codeOf(channel.join('g'));
  await clock.advance(20_000);
  const delays = [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000];
  t.deepEqual(told, delays.map((delayMs) => `retrying LIBRARY ${delayMs}`));
  await channel.close();
  t.is(await join, 'CLOSED');
  t.is(clock.pending, 0);
});

test('connections that are torn down at once do not come ever faster', async (t) => {
  const groups = Array.from({ length: 5 }, () => new FakeGroup());
  const { channel, clock } = setUp({}, groups);
  await channel.join('g');
  let connectedAtMs = 0;
  channel.on('connected', () => (connectedAtMs = clock.monotonic()));
  const pausesMs: number[] = [];
  for (const group of groups.slice(0, 3)) {
    const diedAtMs = clock.monotonic();
    await group.die();
    await clock.advance(1_000);
    pausesMs.push(connectedAtMs - diedAtMs);
  }
  t.deepEqual(pausesMs, [200, 400, 800]);
  // One that has lasted ends that.
  await clock.advance(5_000);
  const diedAtMs = clock.monotonic();
  await groups[3]?.die();
  await clock.advance(1_000);
  t.is(connectedAtMs - diedAtMs, 200);
  await channel.close();
});

test('a join that no waiting would mend is rejected, and may be tried again', async (t) => {
  const access = new CpgError('ACCESS', 'open', 'no entry in uidgid.d');
  const { channel, told } = setUp({}, [access, new FakeGroup()]);
  t.is(await codeOf(channel.join('g')), 'ACCESS');
  t.is(await codeOf(channel.join('g')), 'ok');
  t.deepEqual(told, ['connected 1', 'view 1 true']);
  t.is(await codeOf(channel.join('g')), 'EXIST');
});

test('an open that throws what is no CpgError rejects the join with one that keeps it', async (t) => {
  const cause = new TypeError('a bug');
  const channel = openChannel({ clock: new FakeClock(), openGroup: () => Promise.reject(cause) });
  const error = await t.throwsAsync(channel.join('g'), { instanceOf: CpgError });
  t.is(error?.code, 'UNKNOWN');
  t.is(error?.cause, cause);
});

test('leave flushes, leaves, and closes; what waits for room is refused', async (t) => {
  const { channel, group, told } = await joined();
  channel.trySend(text('last'));
  const left = channel.leave();
  t.is(await codeOf(channel.multicast(text('late'))), 'CLOSED');
  throwsCode(t, () => channel.trySend(text('late')), 'CLOSED');
  await settle();
  await group.echo();
  await left;
  t.deepEqual(group.calls, ['join g', 'leave', 'close']);
  t.deepEqual(told.slice(2), ['1: last', 'view 0 false']);
  t.is(await codeOf(channel.leave()), 'CLOSED');
});

test('a leave in which something is lost says so, and has left all the same', async (t) => {
  const { channel, group } = await joined();
  channel.trySend(text('last'));
  const left = codeOf(channel.leave());
  await settle();
  await group.loseFrame();
  t.is(await left, 'LOST');
  t.deepEqual(group.calls, ['join g', 'leave', 'close']);
});

test('a channel can be closed at any moment, twice, and from its listeners', async (t) => {
  await openChannel({ clock: new FakeClock() }).close();
  const waiting = setUp();
  const join = codeOf(waiting.channel.join('g'));
  await settle();
  await waiting.channel.close();
  t.is(await join, 'CLOSED');
  const { channel, group } = await joined();
  const codes = [channel.multicast(text('a')), channel.flush()].map(codeOf);
  const seen: string[] = [];
  channel.on('message', (_from, payload) => {
    seen.push(Buffer.from(payload).toString());
    void channel.close();
  });
  group.deliver(PEER, batchFrame([text('x'), text('y')], 1));
  await Promise.all([channel.close(), channel.close()]);
  t.deepEqual(seen, ['x']);
  t.deepEqual(await Promise.all(codes), ['CLOSED', 'CLOSED']);
  t.deepEqual(group.calls, ['join g', 'close']);
  t.is(await codeOf(channel.ready()), 'CLOSED');
  t.is(await codeOf(channel.join('g')), 'CLOSED');
});

test('a close while the group is being opened closes that group, too', async (t) => {
  const group = new FakeGroup();
  let open: (group: Group) => void = () => undefined;
  const openGroup: OpenGroup = () => new Promise((resolve) => {
    open = resolve;
  });
  const channel = openChannel({ clock: new FakeClock(), openGroup });
  const join = codeOf(channel.join('g'));
  const closed = channel.close();
  t.is(await join, 'CLOSED');
  open(group);
  await closed;
  t.deepEqual(group.calls, ['close']);
});

test('bad input is refused with a typed error on every call', async (t) => {
  const fresh = setUp({ messageBytesMax: 100 }, [new FakeGroup()]).channel;
  throwsCode(t, () => fresh.trySend(text('x')), 'NOT_JOINED');
  for (const call of [
    fresh.send(text('x')), fresh.multicast(text('x')), fresh.ready(), fresh.flush(), fresh.leave(),
  ]) t.is(await codeOf(call), 'NOT_JOINED');
  t.is(await codeOf(fresh.join(7 as never)), 'INVALID_PARAM');
  await fresh.join('g');
  const gone = new Uint8Array(4);
  structuredClone(gone, { transfer: [gone.buffer] });
  const claim = new Proxy(new Uint8Array(4), {});
  for (const payload of ['text', 7, null, undefined, {}, new ArrayBuffer(4), [1, 2], gone, claim]) {
    throwsCode(t, () => fresh.trySend(payload as never), 'INVALID_PARAM');
    t.is(await codeOf(fresh.send(payload as never)), 'INVALID_PARAM');
    t.is(await codeOf(fresh.multicast(payload as never)), 'INVALID_PARAM');
  }
  throwsCode(t, () => fresh.trySend(new Uint8Array(101)), 'TOO_BIG');
  t.is(await codeOf(fresh.multicast(new Uint8Array(101))), 'TOO_BIG');
  t.true(fresh.trySend(new Uint8Array(100)));
  t.true(fresh.trySend(new Uint8Array(0)));
  await fresh.close();
});

test('limits that are no whole number in their range are refused', (t) => {
  for (const options of [
    { messageBytesMax: 0 }, { batchBytesMax: 1.5 }, { inFlightFramesMax: NaN },
    { batchDelayMs: -1 }, { reconnectDelayMsMin: '5' as never }, { assemblyBytesMax: 5 },
    { sendersMax: Infinity }, null as never, 7 as never,
  ]) throwsCode(t, () => openChannel(options), 'INVALID_PARAM');
});

test('a listener that throws costs nobody the rest of the frame', (t) => {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { openChannel } from ${module('../../../src/cpg/index.js')};
    import { FakeGroup, PEER } from ${module('./fake-group.js')};
    import { batchFrame } from ${module('./frames.js')};
    process.on('uncaughtException', ({ code }) => process.stdout.write(code + ' '));
    const group = new FakeGroup();
    const channel = openChannel({ openGroup: () => Promise.resolve(group) });
    channel.on('message', () => { throw new Error('a bug'); });
    channel.on('message', (_from, payload) => process.stdout.write(Buffer.from(payload) + ' '));
    await channel.join('g');
    group.deliver(PEER, batchFrame([Buffer.from('a'), Buffer.from('b')], 1));
    await channel.close();
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' },
  );
  t.is(stdout, 'a b LISTENER_THREW LISTENER_THREW ', stderr);
});

test('foreign messages are counted by reason, across connections', async (t) => {
  const second = new FakeGroup();
  const { group, clock, told } = await joined({}, [second]);
  group.deliver(PEER, text('hello from C'));
  group.deliver(PEER, text('HFCH\u0009'));
  await group.die();
  await clock.advance(200);
  second.deliver(PEER, text('me again'));
  t.deepEqual(told.filter((line) => line.startsWith('foreign')), [
    'foreign magic 1', 'foreign version 1', 'foreign magic 2',
  ]);
});

test('a listener may send, and what it sends goes after what is under way', async (t) => {
  const { channel, group } = await joined();
  channel.once('message', () => void channel.trySend(text('reply')));
  group.deliver(PEER, batchFrame([text('x'), text('y')], 1));
  channel.trySend(text('other'));
  await settle();
  t.deepEqual(sentBy(group), ['reply+other']);
});
