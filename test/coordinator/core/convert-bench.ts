import type { LockMode } from '../../../src/coordinator/core/mode.js';
import { entryOf, startedBench, type Bench } from './harness.js';

/** A core whose owner holds `disk` in PR. */
export function readerBench(): { readonly bench: Bench; readonly id: number } {
  const bench = startedBench();
  return { bench, id: bench.hold({ mode: 'PR' }) };
}

/** The same, while another owner's manifest says who is in the way. */
export function contestedBench(): { readonly bench: Bench; readonly id: number } {
  const { bench, id } = readerBench();
  bench.view([1, 2, 3]);
  bench.tell(2, 1, [entryOf(9, { mode: 'PR' })]);
  return { bench, id };
}

/** The kernel's word after a gap: it has `disk` in this mode, or nothing. */
export function checked(bench: Bench, mode: LockMode | null) {
  const round = bench.state.recheckRound;
  const locks = mode === null ? [] : [{ lockName: 'disk', mode }];
  return bench.send({ kind: 'locks-read', round, locks, reason: '' });
}
