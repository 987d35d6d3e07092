import { row } from '../result.mjs';
import { median } from '../statistics.mjs';

const SIZES = [1_024, 65_536, 1 << 20];
const BYTES_PER_ROUND = 256 << 20;
const COPIES_MAX = 100_000;
const SOURCE_BYTES = 4 << 20;
const POOL = 32;

/**
 * What a payload's copy costs by where it goes: to memory of its own, as a binding must whose
 * listener may keep it; to 32 places in turn; to one place, as C that frees at once gets. The CPU
 * time of all threads, since the collector has its own.
 */
export function benchCopies({ rounds }) {
  const source = Buffer.alloc(SOURCE_BYTES);
  const rows = [];
  for (const bytes of SIZES) {
    const count = Math.min(COPIES_MAX, Math.floor(BYTES_PER_ROUND / bytes));
    const part = (index) => {
      const start = (index * bytes) % (SOURCE_BYTES - bytes + 1);
      return source.subarray(start, start + bytes);
    };
    const pool = Array.from({ length: POOL }, () => Buffer.alloc(bytes));
    const us = measure(rounds, count, {
      fresh: (index) => Buffer.allocUnsafe(bytes).set(part(index)),
      pooled: (index) => pool[index % POOL].set(part(index)),
      same: (index) => pool[0].set(part(index)),
    });
    const detail = `us of CPU a copy: own memory ${us.fresh.toFixed(2)}, ${POOL} places in turn `
      + `${us.pooled.toFixed(2)}, one place ${us.same.toFixed(2)}`;
    rows.push(row(`copy of a payload of ${bytes} B to memory of its own`, us.fresh - us.same, null, detail, 'us more'));
  }
  return rows;
}

function measure(rounds, count, ways) {
  const taken = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const [way, copy] of Object.entries(ways)) {
      const before = process.cpuUsage();
      for (let index = 0; index < count; index += 1) copy(index);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) taken[way].push((user + system) / count);
    }
  }
  return Object.fromEntries(Object.entries(taken).map(([way, us]) => [way, median(us)]));
}
