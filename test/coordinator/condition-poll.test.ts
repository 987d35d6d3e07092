import test from 'ava';

import { ConditionPoll } from '../../src/coordinator/condition-poll.js';
import type { CoreEvent } from '../../src/coordinator/core/event.js';
import type { LockManager, LockspaceState } from '../../src/dlm/port.js';
import { FakeClock, turns } from './fakes.js';

function bench() {
  const clock = new FakeClock();
  const events: CoreEvent[] = [];
  const facts = { failure: null as Error | null, calm: true };
  const state: LockspaceState = { kind: 'running', members: [1] };
  const lockManager: LockManager = {
    openLockspace: () => Promise.reject(new Error('not asked for here')),
    lockspaceState: () => {
      return facts.failure === null ? Promise.resolve(state) : Promise.reject(facts.failure);
    },
    controllerView: () => Promise.resolve({ fencing: true }),
    clusterView: () => Promise.reject(new Error('not asked for here')),
    close: () => Promise.resolve(),
  };
  const modules = { lockManager, clock, log: () => undefined };
  const poll = new ConditionPoll('holdfast', modules, (event) => events.push(event));
  const ending = new AbortController();
  const running = poll.run(ending.signal, () => facts.calm);
  return { clock, events, facts, poll, ending, running };
}

test('the poll is calm while all is well and quick while it is not', async (t) => {
  const { clock, events, facts, ending, running } = bench();
  await turns();
  t.is(events.length, 1);
  await clock.pass(4_999);
  t.is(events.length, 1);
  facts.calm = false;
  await clock.pass(1);
  await clock.pass(200);
  t.is(events.length, 3);
  t.like(events.at(-1), { askedMs: 5_200 });
  ending.abort();
  await running;
});

test('a sign of change is looked into at once, and often for a while', async (t) => {
  const { clock, events, poll, ending, running } = bench();
  await turns();
  poll.hurry();
  await turns();
  t.is(events.length, 2);
  await clock.pass(200);
  t.is(events.length, 3);
  ending.abort();
  await running;
});

test('what cannot be found out is told as abandoned', async (t) => {
  const { clock, events, facts, ending, running } = bench();
  await turns();
  facts.failure = new Error('dlm_tool is missing');
  await clock.pass(5_000);
  t.like(events.at(-1), { kind: 'lockspace-condition', condition: { kind: 'abandoned' } });
  ending.abort();
  await running;
});
