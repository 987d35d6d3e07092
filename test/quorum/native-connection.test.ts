import test from 'ava';
import type { NativeCallback } from '../../src/native/declare.js';
import { CS_OK } from '../../src/native/corotypes.js';
import { Lane } from '../../src/native/lane.js';
import type { QuorumHandle, QuorumLibrary } from '../../src/quorum/library.js';
import { connectQuorum } from '../../src/quorum/native-connection.js';
import { QuorumTracker } from '../../src/quorum/tracker.js';
import { fakeCall } from '../native/support/fake-call.js';

function setUp() {
  const board = {
    dispatch: (): number => CS_OK,
    start: (): void => undefined,
    wake: (): void => undefined,
    starts: 0,
    finalized: 0,
  };
  const callback = 0n as NativeCallback;
  const library: QuorumLibrary = {
    lane: new Lane(),
    quorum_model_initialize: fakeCall((...[handle]) => {
      handle[0] = 1 as QuorumHandle;
      return CS_OK;
    }),
    quorum_finalize: fakeCall(() => {
      board.finalized += 1;
      return CS_OK;
    }),
    quorum_fd_get: fakeCall(() => CS_OK),
    quorum_dispatch: fakeCall(() => board.dispatch()),
    quorum_getquorate: fakeCall(() => CS_OK),
    quorum_trackstart: fakeCall(() => CS_OK),
    quorum_trackstop: fakeCall(() => CS_OK),
    copyBytes: () => new Uint8Array(0),
    decodeNodeIds: () => [],
    register: () => ({
      quorumNotify: callback, nodelistNotify: callback, release: () => undefined,
    }),
    poll: (_fd, readable) => {
      board.wake = readable;
      const start = (): void => {
        board.starts += 1;
        board.start();
      };
      return { stop: () => undefined, start, close: () => undefined };
    },
  };
  return { board, library };
}

test('a dispatch is followed by the next one', async (t) => {
  const { board, library } = setUp();
  const tracker = new QuorumTracker(await connectQuorum(library));
  board.wake();
  await library.lane.run(() => undefined);
  t.is(board.starts, 1);
  await tracker.close();
  t.is(board.finalized, 1);
});

for (const [what, fail] of [['dispatch', 'dispatch'], ['poll', 'start']] as const) {
  test(`a ${what} that fails loses the connection, and nothing is unhandled`, async (t) => {
    const { board, library } = setUp();
    const tracker = new QuorumTracker(await connectQuorum(library));
    board[fail] = () => {
      throw new Error('koffi');
    };
    const lost = new Promise<string>((resolve) => {
      tracker.once('lost', ({ code, cause }) => resolve(`${code} ${(cause as Error).message}`));
    });
    board.wake();
    t.is(await lost, 'LOST koffi');
    await t.throwsAsync(tracker.isQuorate(), { code: 'LOST' });
    await tracker.close();
    t.is(board.finalized, 1);
  });
}
