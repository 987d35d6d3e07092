import { row } from '../result.mjs';
import { groupOf } from './cores.mjs';

const SIZES = [3, 16, 64];
const LOCKS = 200;
const CYCLES = 1_000;
const DIGEST_INTERVAL_MS = 10_000;

/** What a node pays for each change of any node, and for ten quiet seconds, as nodes are added. */
export async function benchGrowth({ say }) {
  const rows = [];
  for (const size of SIZES) {
    const group = groupOf(size, LOCKS);
    for (let cycle = 0; cycle < CYCLES / 10; cycle += 1) changeOne(group, cycle);
    group.reset();
    for (let cycle = 0; cycle < CYCLES; cycle += 1) changeOne(group, cycle);
    const changeUs = costOf(group) / CYCLES;
    group.reset();
    group.wait(DIGEST_INTERVAL_MS);
    const quietMs = costOf(group) / 1_000;
    say(`${size} nodes: ${group.messages} messages in ${DIGEST_INTERVAL_MS / 1_000} quiet s`);
    rows.push(
      row(`a node's time per acquire and release anywhere, ${size} nodes`, changeUs, null,
        `${LOCKS} locks a node`, 'us'),
      row(`a node's time in 10 quiet s, ${size} nodes`, quietMs, null,
        `${group.messages} messages, ${group.bytesInAll} B in all`, 'ms'),
    );
  }
  return rows;
}

function changeOne(group, cycle) {
  group.cycle(group.cores[cycle % group.cores.length], 'vm-0017-disk-00000000017');
}

/** Of one node, in us: its steps, and the decoding, which each node does for itself. */
function costOf({ cores, decodeMs }) {
  const stepMs = cores.reduce((sum, core) => sum + core.stepMs, 0) / cores.length;
  return (stepMs + decodeMs) * 1_000;
}
