import { row } from '../result.mjs';
import { groupOf } from './cores.mjs';

const NODES = 16;
const ENTRIES = 10_000;

/** A daemon joins 15 others with 10,000 locks each: what goes over the wire, what it costs. */
export async function benchJoiner({ say }) {
  const group = groupOf(NODES - 1, ENTRIES);
  say(`${NODES - 1} cores with ${ENTRIES} locks each are synced`);
  const joiner = group.add(NODES, ENTRIES);
  group.reset();
  group.join(joiner);
  if (joiner.synced !== NODES - 1) throw new Error(`the joiner knows ${joiner.synced} nodes`);
  const entries = NODES * ENTRIES;
  const others = group.cores.filter((core) => core !== joiner);
  const mostMs = Math.max(...others.map(({ stepMs }) => stepMs));
  const mebibytes = (group.bytesInAll / 2 ** 20).toFixed(1);
  return [
    row('joiner: bytes on the wire per entry', group.bytesInAll / entries, null,
      `${mebibytes} MiB, ${group.messages} messages, ${entries} entries`, 'B'),
    row('joiner: its time until synced', joiner.stepMs + group.decodeMs, null,
      `decoding ${group.decodeMs.toFixed(0)} ms, steps ${joiner.stepMs.toFixed(0)} ms`, 'ms'),
    row('joiner: time of the busiest other node', mostMs + group.decodeMs, null,
      `steps ${mostMs.toFixed(0)} ms, its own snapshot among them`, 'ms'),
  ];
}
