import test from 'ava';
import { getEventListeners } from 'node:events';

import type { CoreEvent } from '../../src/coordinator/core/event.js';
import { QuorumLink } from '../../src/coordinator/quorum-link.js';
import { QuorumError } from '../../src/quorum/error.js';
import { FakeClock, FakeQuorum, turns } from './fakes.js';

test('a lost connection is said so, closed, and opened again', async (t) => {
  const clock = new FakeClock();
  const opened: FakeQuorum[] = [];
  const events: CoreEvent[] = [];
  const open = (): Promise<FakeQuorum> => {
    const quorum = new FakeQuorum();
    if (opened.length === 0) quorum.startFailure = new QuorumError('ACCESS', 'start', 'refused');
    opened.push(quorum);
    return Promise.resolve(quorum);
  };
  const ending = new AbortController();
  const run = new QuorumLink(open, clock, (event) => events.push(event)).run(ending.signal);
  await turns();
  t.is(opened[0]?.closed, 1);
  await clock.pass(200);
  opened[1]?.emit('quorum', { quorate: true, ring: { nodeId: 1, seq: 1n }, nodeIds: [1] });
  opened[1]?.emit('lost', new QuorumError('LOST', 'dispatch', 'corosync died'));
  await turns();
  await clock.pass(400);
  t.is(opened[1]?.closed, 1);
  t.deepEqual(events.slice(-2), [
    { kind: 'quorum', quorate: true, nodeIds: [1], ring: { nodeId: 1, seq: 1n } },
    { kind: 'quorum-away', reason: 'corosync died' },
  ]);
  t.true(getEventListeners(ending.signal, 'abort').length <= 2);
  ending.abort();
  await run;
  t.is(opened.at(-1)?.closed, 1);
});
