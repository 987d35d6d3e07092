// The upper bound for any way to libdlm from Node: the child's own lock table and kernel layer in
// one process, with no daemon, no socket and no promise. It blocks its event loop, so it is no way
// to write a daemon. Commands as for loop.mjs; `node bench/dlm/in-process.mjs LOCKSPACE [stub]`.
import { createInterface } from 'node:readline';

import { allocate, loadLibC } from '../../build/src/dlm/libc.js';
import { loadLibDlm } from '../../build/src/dlm/native.js';
import { Answers } from '../../build/src/dlm/child/answers.js';
import { NO_SIGNS } from '../../build/src/dlm/child/call-signs.js';
import { LibDlmKernel } from '../../build/src/dlm/child/lock-kernel.js';
import { LockTable } from '../../build/src/dlm/child/lock-table.js';

const POLLIN = 1;
const [name] = process.argv.slice(2);
const libc = loadLibC();
const library = loadLibDlm();
const handle = library.dlm_open_lockspace(name);
const fd = library.dlm_ls_get_fd(handle);
const kernel = new LibDlmKernel({
  library, handle, answers: new Answers(libc, fd), signs: NO_SIGNS,
});
const pollMemory = allocate(8);
const words = new Int32Array(pollMemory.bytes);
words[0] = fd;
words[1] = POLLIN;
let answered = () => undefined;
const table = new LockTable({
  kernel, later: () => { throw new Error('busy'); }, reply: (reply) => answered(reply),
});
const tell = (notice) => table.notice(notice);
let names = 0;
let ids = 0;
console.log('{"ready":true}');

for await (const line of createInterface({ input: process.stdin })) {
  const [kind, inFlight, durationMs, pairsMax] = line.trim().split(/\s+/);
  console.log(JSON.stringify(round(
    kind, Number(inFlight), Number(durationMs), Number(pairsMax ?? 0),
  )));
}

function round(kind, inFlight, durationMs, pairsMax) {
  const startedMs = performance.now();
  let pairs = 0;
  let begun = 0;
  let busy = inFlight;
  const begin = (slot) => {
    begun += 1;
    if (pairsMax > 0 ? begun > pairsMax : performance.now() - startedMs >= durationMs) {
      busy -= 1;
      return;
    }
    ids += 1;
    const resource = kind === 'fresh' ? `in${process.pid}-${names += 1}` : `in-slot-${slot}`;
    const op = slot * 2;
    taken[slot] = ids;
    table.request({
      kind: 'take', op, id: ids, resource, mode: 'EX', wait: false, persistent: true, flags: 0,
    });
  };
  const taken = [];
  answered = ({ kind: answer, op, failure }) => {
    if (answer !== 'done') throw new Error(JSON.stringify(failure));
    const slot = op >> 1;
    if ((op & 1) === 0) {
      table.request({ kind: 'unlock', op: op + 1, id: taken[slot], flags: 0, value: null });
    } else {
      pairs += 1;
      begin(slot);
    }
  };
  for (let slot = 0; slot < inFlight; slot += 1) begin(slot);
  while (busy > 0) {
    kernel.drain(tell);
    if (busy > 0) libc.poll(pollMemory.address, 1, 1_000);
  }
  const ms = performance.now() - startedMs;
  return { pairs, ms, pairsPerSecond: pairs / ms * 1_000 };
}
