import test from 'ava';

import type { CoreEvent } from '../../src/coordinator/core/event.js';
import { LockspaceLink } from '../../src/coordinator/lockspace-link.js';
import type { CoordinatorModules, CoordinatorOptions } from '../../src/coordinator/modules.js';
import { DlmError } from '../../src/dlm/error.js';
import type { LocalLock, LockspaceState } from '../../src/dlm/port.js';
import { FakeClock, FakeLockspace, turns } from './fakes.js';

const TAKE = { kind: 'take', id: 1, lockName: 'disk', mode: 'EX', wait: true } as const;
const ORPHAN: LocalLock = {
  lkid: 1, resource: 'disk', granted: 'EX', requested: null, status: 'granted', ownerPid: 0,
  orphan: true,
};
const LOST = new DlmError('CHILD_LOST', 'take', 'the child died');

function bench(options: Partial<CoordinatorOptions> = {}) {
  const clock = new FakeClock();
  const spaces: FakeLockspace[] = [];
  const events: CoreEvent[] = [];
  const facts = {
    fencing: true,
    quorate: true,
    state: { kind: 'running', members: [1] } as LockspaceState,
    prepare: (_space: FakeLockspace): void => undefined,
  };
  const lockManager = {
    openLockspace: () => {
      const space = new FakeLockspace();
      facts.prepare(space);
      spaces.push(space);
      return Promise.resolve(space);
    },
    lockspaceState: () => Promise.resolve(facts.state),
    controllerView: () => Promise.resolve({ fencing: facts.fencing }),
    clusterView: () => Promise.reject(new Error('not asked for here')),
    close: () => Promise.resolve(),
  };
  const modules: Pick<CoordinatorModules, 'lockManager' | 'clock' | 'log'> = {
    lockManager, clock, log: () => undefined,
  };
  const all: CoordinatorOptions = {
    nodeName: 'alpha', incarnation: 'a', bootId: 'b', lockspace: 'holdfast', group: 'holdfast',
    softwareVersion: '0', unsafeNoFencing: false, ...options,
  };
  const link = new LockspaceLink(all, modules as CoordinatorModules, (event) => events.push(event));
  const ending = new AbortController();
  const run = (): Promise<void> => link.run(ending.signal, () => (facts.quorate ? null : 'quorum'));
  const kinds = (): readonly string[] => {
    return events.map(({ kind }) => kind).filter((kind) => !/^(start-waits|warning)$/.test(kind));
  };
  return { clock, spaces, events, kinds, facts, link, ending, run };
}

test('the lockspace is opened only with quorum, and its orphans are told', async (t) => {
  const { facts, run, ending, spaces, clock, events } = bench();
  facts.quorate = false;
  facts.prepare = (space) => (space.local = [ORPHAN, { ...ORPHAN, orphan: false }]);
  const running = run();
  await turns();
  t.is(spaces.length, 0);
  facts.quorate = true;
  await clock.pass(250);
  t.deepEqual(events.at(-1), {
    kind: 'lockspace-open', opening: 1, orphans: [{ lockName: 'disk', mode: 'EX' }],
  });
  ending.abort();
  await running;
});

test('without fencing the daemon refuses to run, unless it is told to', async (t) => {
  const strict = bench();
  strict.facts.fencing = false;
  await t.throwsAsync(strict.run(), { code: 'UNSAFE' });
  const lax = bench({ unsafeNoFencing: true });
  lax.facts.fencing = false;
  const running = lax.run();
  await turns();
  t.true(lax.kinds().includes('lockspace-open'));
  t.true(lax.events.some((event) => event.kind === 'warning' && event.topic === 'fencing'));
  lax.ending.abort();
  await running;
});

test('actions reach the lock manager under its own ids, outcomes come back', async (t) => {
  const { run, ending, spaces, link, kinds } = bench();
  const running = run();
  await turns();
  link.perform(TAKE, 1);
  link.perform({ kind: 'cancel', id: 1 }, 1);
  await turns();
  link.perform({ kind: 'unlock', id: 1, force: false }, 1);
  await turns();
  link.perform({ kind: 'adopt', id: 2, lockName: 'web', mode: 'PR' }, 1);
  await turns();
  t.deepEqual(spaces[0]?.calls, ['take disk EX', 'cancel 501', 'unlock 501', 'adopt web']);
  t.deepEqual(kinds(), ['lockspace-open', 'granted', 'unlocked', 'adopted']);
  ending.abort();
  await running;
});

test('a convert reaches the lock manager without QUECVT, and its outcome comes back', async (t) => {
  const { run, ending, spaces, link, events } = bench();
  const running = run();
  await turns();
  link.perform(TAKE, 1);
  await turns();
  link.perform({ kind: 'convert', id: 1, mode: 'PR', wait: true }, 1);
  await turns();
  t.deepEqual(events.at(-1), { kind: 'converted', id: 1 });
  const [space] = spaces;
  if (space !== undefined) space.takeFailure = new DlmError('DEADLOCK', 'convert', 'a deadlock');
  link.perform({ kind: 'convert', id: 1, mode: 'EX', wait: true }, 1);
  await turns();
  t.like(events.at(-1), { kind: 'convert-failed', id: 1, failure: { code: 'DEADLOCK' } });
  link.perform({ kind: 'unlock', id: 1, force: true }, 1);
  await turns();
  t.deepEqual(space?.calls.slice(1), ['convert 501 PR wait', 'convert 501 EX wait', 'unlock 501 force']);
  link.perform({ kind: 'convert', id: 9, mode: 'EX', wait: true }, 1);
  t.like(events.at(-1), { kind: 'convert-failed', id: 9, failure: { code: 'UNKNOWN_LOCK' } });
  ending.abort();
  await running;
});

test('an unlock of what the lock manager does not have fails as unknown', async (t) => {
  const { run, ending, link, events } = bench();
  const running = run();
  await turns();
  link.perform({ kind: 'unlock', id: 9, force: false }, 1);
  t.like(events.at(-1), { kind: 'unlock-failed', id: 9, failure: { code: 'UNKNOWN_LOCK' } });
  ending.abort();
  await running;
});

test('a lost process is told once, its answers no more, and it is opened again', async (t) => {
  const { run, ending, spaces, link, kinds, clock } = bench();
  const running = run();
  await turns();
  const [first] = spaces;
  if (first !== undefined) first.takeFailure = LOST;
  link.perform(TAKE, 1);
  first?.emit('lost', LOST);
  await turns();
  t.deepEqual(kinds(), ['lockspace-open', 'lockspace-lost']);
  await clock.pass(200);
  t.deepEqual(kinds(), ['lockspace-open', 'lockspace-lost', 'lockspace-open']);
  link.perform({ kind: 'unlock', id: 1, force: false }, 2);
  t.is(kinds().at(-1), 'unlock-failed');
  ending.abort();
  await running;
});

test('what was meant for an earlier opening does not reach a later one', async (t) => {
  const { run, ending, spaces, link, clock } = bench();
  const running = run();
  await turns();
  spaces[0]?.emit('lost', LOST);
  await turns();
  await clock.pass(200);
  link.perform(TAKE, 1);
  link.perform({ kind: 'adopt', id: 2, lockName: 'web', mode: 'PR' }, 1);
  await turns();
  t.deepEqual(spaces[1]?.calls, []);
  link.perform(TAKE, 2);
  await turns();
  t.deepEqual(spaces[1]?.calls, ['take disk EX']);
  ending.abort();
  await running;
});

test('a lockspace that is lost before it is read is not called open', async (t) => {
  const { run, ending, facts, kinds } = bench();
  facts.prepare = (space) => (space.onLocalLocks = () => space.emit('lost', LOST));
  const running = run();
  await turns();
  t.deepEqual(kinds(), ['lockspace-lost']);
  ending.abort();
  await running;
});

test('a lockspace that cannot be left is closed', async (t) => {
  const { run, ending, spaces, link } = bench();
  const running = run();
  await turns();
  await link.close(true);
  t.deepEqual(spaces[0]?.calls, ['release', 'close']);
  ending.abort();
  await running;
});

test('a child that cannot be started is tried at longer and longer intervals, and told', async (t) => {
  const { clock, events, facts, link, spaces } = bench();
  const ending = new AbortController();
  let attempts = 0;
  facts.prepare = () => {
    attempts += 1;
    throw new DlmError('KERNEL', 'open', 'dlm.ko is not loaded');
  };
  const running = link.run(ending.signal, () => null);
  for (let passedMs = 0; passedMs < 60_000; passedMs += 100) await clock.pass(100);
  t.true(attempts >= 7 && attempts <= 10, `${attempts} attempts`);
  const warnings = () => events.filter((event) => event.kind === 'warning'
    && event.topic === 'lockspace-open');
  t.regex(JSON.stringify(warnings().at(-1)), /cannot be opened: dlm.ko is not loaded; it is tried/);
  facts.prepare = () => undefined;
  for (let passedMs = 0; passedMs < 21_000; passedMs += 100) await clock.pass(100);
  t.is(spaces.length, 1);
  t.like(warnings().at(-1), { text: null });
  ending.abort();
  await running;
});
