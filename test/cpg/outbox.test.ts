import test from 'ava';
import { CS_ERR_LIBRARY, CS_ERR_TOO_BIG, CS_ERR_TRY_AGAIN, CS_OK } from '../../src/native/corotypes.js';
import { CPG_TYPE_AGREED } from '../../src/cpg/constants.js';
import { CpgError } from '../../src/cpg/index.js';
import { Outbox, OUTBOX_LIMITS } from '../../src/cpg/outbox.js';
import { FakeClock } from './support/fake-clock.js';

const LIMITS = {
  ...OUTBOX_LIMITS, queuedMessagesMax: 4, queuedBytesMax: 100,
  inFlightMessagesMax: 2, inFlightBytesMax: 20, retryDelayMsMin: 1, retryDelayMsMax: 8,
};

function setUp(limits = LIMITS) {
  const clock = new FakeClock();
  const statuses: number[] = [];
  const sent: string[] = [];
  let asked = 0;
  const send = (payload: Uint8Array): number => {
    asked += 1;
    const status = statuses.shift() ?? CS_OK;
    if (status === CS_OK) sent.push(Buffer.from(payload).toString());
    return status;
  };
  const outbox = new Outbox({ send, clock }, limits);
  const push = (text: string): Promise<string> =>
    outbox.push(Buffer.from(text), CPG_TYPE_AGREED).then(
      () => 'echoed',
      (thrown: unknown) => (thrown instanceof CpgError ? thrown.code : String(thrown)),
    );
  const echo = (text: string): void => outbox.echoed(Buffer.from(text));
  return { clock, statuses, sent, outbox, push, echo, asked: () => asked };
}

test('messages are sent in the order of the calls and resolve upon their echoes', async (t) => {
  const { push, echo, sent } = setUp();
  const settled = ['a', 'b', 'c'].map(push);
  t.deepEqual(sent, ['a', 'b']);
  for (const text of ['a', 'b', 'c']) echo(text);
  t.deepEqual(sent, ['a', 'b', 'c']);
  t.deepEqual(await Promise.all(settled), ['echoed', 'echoed', 'echoed']);
});


test('no more than the bound is in flight, in messages', (t) => {
  const { push, sent, echo } = setUp();
  for (const text of ['a', 'b', 'c', 'd']) void push(text);
  t.deepEqual(sent, ['a', 'b']);
  echo('a');
  t.deepEqual(sent, ['a', 'b', 'c']);
});

test('no more than the bound is in flight, in bytes, but one message always may be', (t) => {
  const { push, sent, echo } = setUp();
  const [large, small] = ['x'.repeat(30), 'y'];
  void push(large);
  void push(small);
  t.deepEqual(sent, [large]);
  echo(large);
  t.deepEqual(sent, [large, small]);
});

test('a full queue refuses with QUEUE_FULL and takes messages again once it is drained', async (t) => {
  const { push, echo } = setUp();
  const settled = Array.from({ length: 6 }, (_, index) => push(`m${index}`));
  t.is(await push('one too many'), 'QUEUE_FULL');
  for (let index = 0; index < 6; index += 1) echo(`m${index}`);
  t.true((await Promise.all(settled)).every((outcome) => outcome === 'echoed'));
  const again = push('again');
  echo('again');
  t.is(await again, 'echoed');
});

test('the queue is bounded in bytes, too', async (t) => {
  const { push } = setUp();
  void push('a');
  void push('b');
  void push('x'.repeat(90));
  t.is(await push('y'.repeat(20)), 'QUEUE_FULL');
});

test('after TRY_AGAIN it asks again with doubled pauses up to the bound, never in a spin', (t) => {
  const { push, statuses, asked, clock, sent } = setUp();
  statuses.push(...Array<number>(6).fill(CS_ERR_TRY_AGAIN));
  void push('a');
  void push('b');
  t.is(asked(), 1);
  const pausesMs = [1, 2, 4, 8, 8, 8];
  for (const [index, pauseMs] of pausesMs.entries()) {
    clock.advance(pauseMs - 0.5);
    t.is(asked(), index + 1);
    clock.advance(0.5);
    if (index < 5) t.is(asked(), index + 2);
  }
  t.deepEqual(sent, ['a', 'b']);
});

test('an echo ends the pause for one attempt', (t) => {
  const { push, statuses, asked, clock, echo } = setUp();
  statuses.push(CS_OK, CS_ERR_TRY_AGAIN, CS_ERR_TRY_AGAIN);
  void push('a');
  void push('b');
  t.is(asked(), 2);
  echo('a');
  t.is(asked(), 3);
  t.is(clock.armed, 1);
  clock.advance(2);
  t.is(asked(), 4);
});

test('a success resets the pause', (t) => {
  const { push, statuses, asked, clock, echo } = setUp();
  statuses.push(CS_ERR_TRY_AGAIN, CS_ERR_TRY_AGAIN, CS_OK, CS_ERR_TRY_AGAIN);
  void push('a');
  clock.advance(3);
  t.is(asked(), 3);
  echo('a');
  void push('b');
  t.is(asked(), 4);
  clock.advance(1);
  t.is(asked(), 5);
});

test('a message that corosync refuses is rejected alone', async (t) => {
  const { push, statuses, echo } = setUp();
  statuses.push(CS_ERR_TOO_BIG);
  const refused = push('a');
  const next = push('b');
  echo('b');
  t.is(await refused, 'TOO_BIG');
  t.is(await next, 'echoed');
});

test('a dead connection is not asked again, and nothing is settled until it is dropped', async (t) => {
  const { push, statuses, outbox, asked, clock } = setUp();
  void statuses.push(CS_OK, CS_ERR_LIBRARY);
  const settled = [push('a'), push('b')];
  clock.advance(1000);
  t.is(asked(), 2);
  outbox.drop(new CpgError('LOST', 'test', 'test'));
  t.deepEqual(await Promise.all(settled), ['LOST', 'LOST']);
});

test('dropping rejects all, sent or not, and leaves no timer behind', async (t) => {
  const { push, statuses, outbox, clock } = setUp();
  statuses.push(CS_OK, CS_ERR_TRY_AGAIN);
  const settled = ['a', 'b', 'c'].map(push);
  t.is(clock.armed, 1);
  outbox.drop(new CpgError('LOST', 'test', 'test'));
  t.is(clock.armed, 0);
  t.deepEqual(await Promise.all(settled), ['LOST', 'LOST', 'LOST']);
});

test('an echo that skips a message rejects the skipped one, which can never come', async (t) => {
  const { push, echo } = setUp();
  const settled = [push('a'), push('b')];
  echo('b');
  t.deepEqual(await Promise.all(settled), ['LOST', 'echoed']);
});

test('an echo of something that was never sent settles nothing', async (t) => {
  const { push, echo } = setUp();
  const pushed = push('a');
  echo('z');
  echo('a');
  t.is(await pushed, 'echoed');
});

test('an empty message has its echo, too', async (t) => {
  const { push, echo } = setUp();
  const pushed = push('');
  echo('');
  t.is(await pushed, 'echoed');
});
