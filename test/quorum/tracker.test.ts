import test from 'ava';
import type { QuorumConnection, QuorumEvent } from '../../src/quorum/connection.js';
import { CS_ERR_LIBRARY, CS_ERR_NO_MEMORY, CS_OK } from '../../src/native/corotypes.js';
import { QuorumError } from '../../src/quorum/index.js';
import { QuorumTracker } from '../../src/quorum/tracker.js';

const RING = { nodeId: 1, seq: 12n };

/** A raw connection whose corosync is the test. */
class FakeConnection implements QuorumConnection {
  trackStatus = CS_OK;
  dispatchStatus = CS_OK;
  tracked = 0;
  closed = 0;
  #events: QuorumEvent[] = [];
  #readable: (() => void) | null = null;

  track(): Promise<number> {
    this.tracked += 1;
    return Promise.resolve(this.trackStatus);
  }

  untrackStatus = CS_OK;
  quorateStatus = CS_OK;
  isQuorate = true;

  untrack(): Promise<number> {
    this.tracked -= 1;
    return Promise.resolve(this.untrackStatus);
  }

  quorate(): Promise<{ readonly status: number; readonly quorate: boolean }> {
    return Promise.resolve({ status: this.quorateStatus, quorate: this.isQuorate });
  }

  watch(readable: () => void): void {
    this.#readable = readable;
  }

  dispatch(): number {
    return this.dispatchStatus;
  }

  take(): readonly QuorumEvent[] {
    return this.#events.splice(0);
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }

  deliver(...events: readonly QuorumEvent[]): void {
    this.#events.push(...events);
    this.#readable?.();
  }
}

function setUp() {
  const connection = new FakeConnection();
  const tracker = new QuorumTracker(connection);
  const heard: string[] = [];
  tracker.on('quorum', ({ quorate, nodeIds }) => heard.push(`${quorate} ${nodeIds.join()}`));
  tracker.on('nodelist', ({ members, left }) => heard.push(`${members.join()} -${left.join()}`));
  tracker.on('lost', (cause) => heard.push(`lost ${cause.code}`));
  return { connection, tracker, heard };
}

const quorate: QuorumEvent = {
  kind: 'quorum', state: { quorate: true, ring: RING, nodeIds: [1, 2] },
};
const nodelist: QuorumEvent = {
  kind: 'nodelist', change: { ring: RING, members: [1, 2], joined: [], left: [3] },
};

test('events come in corosync\'s order after the start', async (t) => {
  const { connection, tracker, heard } = setUp();
  await tracker.start();
  connection.deliver(nodelist, quorate);
  t.deepEqual(heard, ['1,2 -3', 'true 1,2']);
});

test('a second start asks corosync nothing', async (t) => {
  const { connection, tracker } = setUp();
  await tracker.start();
  await tracker.start();
  t.is(connection.tracked, 1);
});

test('a refused start says what corosync answered', async (t) => {
  const { connection, tracker } = setUp();
  connection.trackStatus = CS_ERR_NO_MEMORY;
  const thrown = await t.throwsAsync(tracker.start(), { instanceOf: QuorumError });
  t.is(thrown.code, 'NO_MEMORY');
});

test('the death of corosync is told once, after its last events', async (t) => {
  const { connection, tracker, heard } = setUp();
  await tracker.start();
  connection.dispatchStatus = CS_ERR_LIBRARY;
  connection.deliver(nodelist);
  connection.deliver(quorate);
  t.deepEqual(heard, ['1,2 -3', 'lost LOST']);
  t.is(connection.closed, 1);
  const thrown = await t.throwsAsync(tracker.start(), { instanceOf: QuorumError });
  t.is(thrown.code, 'LOST');
});

test('an event that cannot be read ends the connection', async (t) => {
  const { connection, tracker, heard } = setUp();
  await tracker.start();
  connection.deliver({ kind: 'broken', cause: new Error('bad') }, quorate);
  t.deepEqual(heard, ['lost LOST']);
});

test('nothing is heard between a stop and the next start', async (t) => {
  const { connection, tracker, heard } = setUp();
  await tracker.start();
  await tracker.stop();
  await tracker.stop();
  t.is(connection.tracked, 0);
  connection.deliver(nodelist);
  await tracker.start();
  connection.deliver(quorate);
  t.deepEqual(heard, ['true 1,2']);
});

test('a refused stop says what corosync answered', async (t) => {
  const { connection, tracker } = setUp();
  await tracker.start();
  connection.untrackStatus = CS_ERR_NO_MEMORY;
  await t.throwsAsync(tracker.stop(), { instanceOf: QuorumError, code: 'NO_MEMORY' });
});

test('quorum can be asked for without tracking', async (t) => {
  const { connection, tracker } = setUp();
  t.true(await tracker.isQuorate());
  connection.isQuorate = false;
  t.false(await tracker.isQuorate());
  connection.quorateStatus = CS_ERR_NO_MEMORY;
  await t.throwsAsync(tracker.isQuorate(), { instanceOf: QuorumError, code: 'NO_MEMORY' });
});

test('the death of corosync is told also to one who tracks nothing', async (t) => {
  const { connection, tracker, heard } = setUp();
  connection.dispatchStatus = CS_ERR_LIBRARY;
  connection.deliver();
  t.deepEqual(heard, ['lost LOST']);
  for (const call of [() => tracker.start(), () => tracker.stop(), () => tracker.isQuorate()]) {
    const thrown = await t.throwsAsync(call, { instanceOf: QuorumError, code: 'LOST' });
    t.true(thrown.retryable);
  }
});

test('nothing is heard after close, and start is refused with CLOSED', async (t) => {
  const { connection, tracker, heard } = setUp();
  await tracker.start();
  await tracker.close();
  connection.deliver(quorate);
  t.deepEqual(heard, []);
  const thrown = await t.throwsAsync(tracker.start(), { instanceOf: QuorumError });
  t.is(thrown.code, 'CLOSED');
});
