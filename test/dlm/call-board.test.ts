import test from 'ava';
import fc from 'fast-check';
import { BOARD_BYTES, KERNEL_CALLS, parseBoard } from '../../src/dlm/call-board.js';
import { signsOn } from '../../src/dlm/child/call-signs.js';

function setUp() {
  const words = new Int32Array(BOARD_BYTES / 4);
  return { signs: signsOn(words), read: () => parseBoard(new Uint8Array(words.buffer)) };
}

test('the board shows each call while it is under way, and nothing between', (t) => {
  const { signs, read } = setUp();
  t.is(read(), null);
  for (const [index, call] of KERNEL_CALLS.entries()) {
    signs.enter(call, index + 7);
    t.deepEqual(read(), { sequence: 2 * index + 1, call, id: index + 7 });
    signs.leave();
    t.is(read(), null);
  }
});

test('two calls of a kind are told apart', (t) => {
  const { signs, read } = setUp();
  signs.enter('unlock', 3);
  const first = read();
  signs.leave();
  signs.enter('unlock', 3);
  t.not(read()?.sequence, first?.sequence);
});

test('bytes that are no board show no call', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2 * BOARD_BYTES }), (bytes) => {
    const entry = parseBoard(bytes);
    return entry === null || (bytes.length >= BOARD_BYTES && KERNEL_CALLS.includes(entry.call));
  }));
  t.pass();
});
