import { row } from '../result.mjs';
import { groupOf } from './cores.mjs';

const CYCLES = 2_000;
const BYTES_MAX = 200 * 1.05;
const RESOURCE = 'vm-0017-disk-00000000017';

/** What one change of one lock puts on the wire, in a group of three. */
export async function benchChange() {
  const group = groupOf(3, 10);
  group.cycle(group.cores[0], RESOURCE);
  group.reset();
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    group.cycle(group.cores[cycle % 3], RESOURCE);
  }
  // Held, releasing, gone.
  const changes = 3 * CYCLES;
  const perCycle = (kind) => (group.bytes.get(kind) ?? 0) / CYCLES;
  const kinds = [...group.bytes.keys()].map((kind) => `${kind} ${perCycle(kind).toFixed(0)} B`);
  return [
    row('bytes per lock change', (group.bytes.get('delta') ?? 0) / changes, { atMost: BYTES_MAX },
      `${changes} changes, name of ${RESOURCE.length} bytes, owner of 20`, 'B'),
    row('bytes per exclusive acquire and release', group.bytesInAll / CYCLES, null,
      kinds.join(', '), 'B'),
  ];
}
