import test from 'ava';
import { CorosyncMap } from '../../src/cmap/corosync-map.js';
import type { CmapHandle, CmapLibrary } from '../../src/cmap/library.js';
import { connectCmap } from '../../src/cmap/native-connection.js';
import type { NativeCallback } from '../../src/native/declare.js';
import { CS_ERR_NO_SECTIONS, CS_ERR_TRY_AGAIN, CS_OK } from '../../src/native/corotypes.js';
import { Lane } from '../../src/native/lane.js';
import { fakeCall } from '../native/support/fake-call.js';

function setUp() {
  const board = {
    dispatch: (): number => CS_ERR_TRY_AGAIN,
    start: (): void => undefined,
    wake: (): void => undefined,
    finalized: 0,
  };
  const ok = () => fakeCall(() => CS_OK);
  const library: CmapLibrary = {
    lane: new Lane(),
    cmap_initialize_map: fakeCall((...[handle]) => {
      handle[0] = 1 as CmapHandle;
      return CS_OK;
    }),
    cmap_finalize: fakeCall(() => {
      board.finalized += 1;
      return CS_OK;
    }),
    cmap_dispatch: fakeCall(() => board.dispatch()),
    cmap_iter_next: fakeCall(() => CS_ERR_NO_SECTIONS),
    cmap_fd_get: ok(), cmap_set: ok(), cmap_delete: ok(), cmap_get: ok(), cmap_inc: ok(),
    cmap_dec: ok(), cmap_iter_init: ok(), cmap_iter_finalize: ok(), cmap_track_add: ok(),
    cmap_track_delete: ok(),
    copyBytes: () => new Uint8Array(0),
    decodeNodeIds: () => [],
    register: () => ({ notify: 0n as NativeCallback, release: () => undefined }),
    poll: (_fd, readable) => {
      board.wake = readable;
      return { stop: () => undefined, start: () => board.start(), close: () => undefined };
    },
  };
  return { board, library };
}

for (const [what, fail] of [['dispatch', 'dispatch'], ['poll', 'start']] as const) {
  test(`a ${what} that fails loses the connection, and nothing is unhandled`, async (t) => {
    const { board, library } = setUp();
    const map = new CorosyncMap(await connectCmap(library, 0));
    board[fail] = () => {
      throw new Error('koffi');
    };
    const lost = new Promise<string>((resolve) => {
      map.once('lost', ({ code, cause }) => resolve(`${code} ${(cause as Error).message}`));
    });
    board.wake();
    t.is(await lost, 'LOST koffi');
    await t.throwsAsync(map.get('key'), { code: 'LOST' });
    await map.close();
    t.is(board.finalized, 1);
  });
}
