import test from 'ava';

import { ConditionPoll } from '../../src/coordinator/condition-poll.js';
import type { CoreEvent } from '../../src/coordinator/core/event.js';
import type { LockManager, LockspaceState } from '../../src/dlm/port.js';
import { FakeClock, turns } from './fakes.js';

function bench() {
  const clock = new FakeClock();
  const events: CoreEvent[] = [];
  const state = { kind: 'running', members: [1] } as LockspaceState;
  const facts = { failure: null as Error | null, calm: true, state };
  const lockManager: LockManager = {
    openLockspace: () => Promise.reject(new Error('not asked for here')),
    lockspaceState: () => {
      return facts.failure === null ? Promise.resolve(facts.state) : Promise.reject(facts.failure);
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

/** Past the quick looks of the start, and just behind a look. */
async function settleQuick(clock: FakeClock): Promise<void> {
  await looksIn(clock, 12_000);
  await clock.pass(5_000);
}

/** Lets time go on in small steps. */
async function looksIn(clock: FakeClock, forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += 100) await clock.pass(100);
}

test('an absent lockspace is looked at calmly by and by, a recovery quickly for a minute', async (t) => {
  const { clock, events, facts, poll, ending, running } = bench();
  const during = async (forMs: number) => {
    const before = events.length;
    await looksIn(clock, forMs);
    return events.length - before;
  };
  facts.calm = false;
  facts.state = { kind: 'absent' };
  t.true(await during(10_000) >= 49);
  await during(5_000);
  t.is(await during(60_000), 12);
  facts.state = { kind: 'waiting', for: 'fencing', members: [1] };
  await during(5_000);
  t.true(await during(54_000) >= 265);
  await during(2_000);
  t.is(await during(60_000), 60);
  poll.hurry();
  t.true(await during(10_000) >= 49);
  facts.state = { kind: 'running', members: [1] };
  await during(1_000);
  t.like(events.at(-1), { condition: { kind: 'running' } });
  ending.abort();
  await running;
});

test('the poll is calm while all is well and quick while it is not', async (t) => {
  const { clock, events, facts, ending, running } = bench();
  await settleQuick(clock);
  const before = events.length;
  await clock.pass(4_999);
  t.is(events.length, before);
  facts.calm = false;
  await clock.pass(1);
  await clock.pass(200);
  t.is(events.length, before + 2);
  t.like(events.at(-1), { askedMs: clock.nowMs });
  ending.abort();
  await running;
});

test('a sign of change is looked into at once, and often for a while', async (t) => {
  const { clock, events, poll, ending, running } = bench();
  await settleQuick(clock);
  const before = events.length;
  poll.hurry();
  await turns();
  t.is(events.length, before + 1);
  await clock.pass(200);
  t.is(events.length, before + 2);
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
