import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import koffi from 'koffi';

import { row } from '../result.mjs';
import { median } from '../statistics.mjs';

/**
 * A send, and a dispatch that calls back, with nothing in them; the same arguments as libcpg's.
 * `cycle` is C's own cost of the two.
 */
const SOURCE = `
#include <stddef.h>
#include <stdint.h>
typedef void (*deliver_fn)(uint64_t, const void *, uint32_t, uint32_t, void *, size_t);
static deliver_fn deliver;
static char message[64];
void install(deliver_fn fn) { deliver = fn; }
__attribute__((noinline)) int send_one(uint64_t h, int g, uintptr_t iovec, unsigned int n)
{ __asm__ volatile("" :: "r"(h), "r"(g), "r"(iovec), "r"(n)); return 1; }
__attribute__((noinline)) int dispatch_one(uint64_t h, int flags)
{ (void)flags; deliver(h, message, 1, 2, message, sizeof message); return 1; }
static void nothing(uint64_t h, const void *g, uint32_t n, uint32_t p, void *m, size_t len)
{ __asm__ volatile("" :: "r"(h), "r"(g), "r"(n), "r"(p), "r"(m), "r"(len)); }
void cycle(unsigned int count)
{ deliver_fn kept = deliver; deliver = nothing;
  for (unsigned int i = 0; i < count; i++) { send_one(1, 2, 3, 1); dispatch_one(1, 4); }
  deliver = kept; }
`;
const CALLS = 200_000;

/**
 * What crossing between JavaScript and C costs for one message when nothing is done on the other
 * side: a call, and a call that calls back. No binding by koffi can take less beside what C takes.
 */
export function benchCrossings({ rounds, say }) {
  const directory = mkdtempSync(join(tmpdir(), 'crossings-'));
  try {
    const { send, dispatch, cycle, received } = load(directory);
    const sides = { send: [], dispatch: [], c: [] };
    for (let round = -1; round < rounds; round += 1) {
      const spent = {
        send: timed(() => repeat(CALLS, () => send(1, 2, 3, 1))),
        dispatch: timed(() => repeat(CALLS, () => dispatch(1, 4))),
        c: timed(() => cycle(CALLS)),
      };
      if (round >= 0) for (const [side, us] of Object.entries(spent)) sides[side].push(us / CALLS);
    }
    if (received() !== CALLS * (rounds + 1)) throw new Error('callbacks are missing');
    const [call, callback, c] = ['send', 'dispatch', 'c'].map((side) => median(sides[side]));
    say(`crossings: call ${call.toFixed(3)} us, call and callback ${callback.toFixed(3)} us`);
    const detail =
      `an empty call ${call.toFixed(3)} us, an empty call that calls back ` +
      `${callback.toFixed(3)} us; the same in C ${c.toFixed(4)} us`;
    return [row('crossings of one message, nothing done', call + callback, null, detail, 'us')];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function load(directory) {
  const [source, file] = [join(directory, 'empty.c'), join(directory, 'empty.so')];
  writeFileSync(source, SOURCE);
  execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', file, source]);
  const library = koffi.load(file);
  const proto = koffi.proto('void', [
    'uint64_t', 'void *', 'uint32_t', 'uint32_t', 'void *', 'size_t',
  ]);
  let received = 0;
  const pointer = koffi.register(() => {
    received += 1;
  }, koffi.pointer(proto));
  library.func('install', 'void', [koffi.pointer(proto)])(pointer);
  return {
    send: library.func('send_one', 'int', ['uint64_t', 'int', 'uintptr_t', 'unsigned int']),
    dispatch: library.func('dispatch_one', 'int', ['uint64_t', 'int']),
    cycle: library.func('cycle', 'void', ['unsigned int']),
    received: () => received,
  };
}

function repeat(count, call) {
  for (let index = 0; index < count; index += 1) call();
}

function timed(work) {
  const begunMs = performance.now();
  work();
  return (performance.now() - begunMs) * 1e3;
}
