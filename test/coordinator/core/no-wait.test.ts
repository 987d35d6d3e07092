import test from 'ava';

import { NO_WAIT_MS_MAX } from '../../../src/coordinator/core/limits.js';
import { nextDeadlineMs } from '../../../src/coordinator/core/deadline.js';
import { actionNames, recordNames, startedBench } from './harness.js';

test('who would not wait is answered while the generation does not come, and nothing is kept', (t) => {
  const bench = startedBench();
  bench.group = 'as told';
  bench.send({ kind: 'generations-reserved', upTo: Number.MAX_SAFE_INTEGER });
  const { caller, id } = bench.acquire();
  bench.send({ kind: 'granted', id });
  t.is(bench.phase(id), 'claiming');
  bench.wait(NO_WAIT_MS_MAX - 1);
  t.is(bench.outcome(caller), 'open');
  t.true(nextDeadlineMs(bench.state) <= bench.nowMs + 1);
  const effects = bench.wait(1);
  t.is(bench.outcome(caller), 'TIMEOUT');
  t.deepEqual(actionNames(effects), [`unlock ${id}`]);
});

test('who would not wait is answered while the child is away', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.lose();
  bench.wait(NO_WAIT_MS_MAX);
  t.is(bench.outcome(caller), 'TIMEOUT');
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  bench.send({ kind: 'adopted', id });
  t.is(bench.phase(id), 'releasing', 'what the kernel granted is given back');
});

test('who would not wait is answered when the kernel does not answer', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  t.deepEqual(actionNames(bench.wait(NO_WAIT_MS_MAX)), [`cancel ${id}`]);
  t.is(bench.outcome(caller), 'open', 'the grant may win the race for a moment');
  const effects = bench.wait(2_000);
  t.is(bench.outcome(caller), 'TIMEOUT');
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
});
