import test from 'ava';
import { planFor, type Done, type Situation } from './support/scheduler.js';

/**
 * What Pacemaker's own scheduler does with the lock and what runs under it, as the samples have
 * them: ordered, colocated, both migratable. Judged by `crm_simulate`, of the real Pacemaker.
 */
const BOTH = { lock: true, vm: true };
const STARTED: readonly Done[] = [{ action: 'start', exitCode: 0 }];
const ABSENT: readonly Done[] = [{ action: 'monitor', exitCode: 7 }];
const ON_N1 = { n1: STARTED, n2: ABSENT };

/** The lock has been offered on n1 and joined on n2, with these exit codes; null: not tried yet. */
function handedOver(open: number, join: number | null): Situation['done']['lock'] {
  return {
    n1: [...STARTED, { action: 'migrate_to', exitCode: open }],
    n2: join === null ? ABSENT : [...ABSENT, { action: 'migrate_from', exitCode: join }],
  };
}

test('a migration has the lock at both ends until its source has stopped', async (t) => {
  const plan = await planFor({ migratable: BOTH, done: { lock: ON_N1, vm: ON_N1 }, lost: null });
  const order = [
    'lock_migrate_to_0 n1', 'lock_migrate_from_0 n2', 'vm_migrate_to_0 n1', 'vm_migrate_from_0 n2',
    'vm_stop_0 n1', 'lock_stop_0 n1',
  ];
  for (const [index, name] of order.slice(1).entries()) {
    t.true(plan.isBefore(order[index] ?? '', name), `${order[index]} before ${name}`);
  }
  const all = [...plan.actions].filter((name) => /^(lock|vm)_(start|stop|migrate)/.test(name));
  t.deepEqual(all.sort(), [...order].sort(), 'and nothing else of the two');
});

test('what cannot migrate is stopped before its lock goes', async (t) => {
  const ways = [[true, false], [false, false], [false, true]] as const;
  for (const [lock, vm] of ways) {
    const migratable = { lock, vm };
    const plan = await planFor({ migratable, done: { lock: ON_N1, vm: ON_N1 }, lost: null });
    const leave = migratable.lock ? 'lock_migrate_to_0 n1' : 'lock_stop_0 n1';
    t.true(plan.isBefore('vm_stop_0 n1', leave), JSON.stringify(migratable));
    t.true(plan.isBefore(leave, 'vm_start_0 n2'), JSON.stringify(migratable));
  }
});

const FAILURES: readonly (readonly [string, Situation['done']])[] = [
  ['the lock cannot be offered', { lock: handedOver(1, null), vm: ON_N1 }],
  ['the lock cannot be joined', { lock: handedOver(0, 1), vm: ON_N1 }],
  ['the migration fails at its source', {
    lock: handedOver(0, 0),
    vm: { n1: [...STARTED, { action: 'migrate_to', exitCode: 1 }], n2: ABSENT },
  }],
  ['the migration fails at its target', {
    lock: handedOver(0, 0),
    vm: {
      n1: [...STARTED, { action: 'migrate_to', exitCode: 0 }],
      n2: [...ABSENT, { action: 'migrate_from', exitCode: 1 }],
    },
  }],
  ['everything stops between the two', { lock: handedOver(0, 0), vm: ON_N1 }],
];
for (const [title, done] of FAILURES) {
  test(`when ${title}, no lock is given back before what runs under it has stopped`, async (t) => {
    const plan = await planFor({ migratable: BOTH, done, lost: null });
    const stops = [...plan.actions].filter((name) => name.startsWith('lock_stop'));
    t.true(stops.includes('lock_stop_0 n1'));
    for (const stop of stops) t.true(plan.isBefore('vm_stop_0 n1', stop), stop);
    const start = 'vm_start_0 n2';
    for (const stop of stops) t.true(plan.isBefore(stop, start), `${stop} before ${start}`);
    t.true(plan.isBefore('lock_start_0 n2', start));
  });
}

for (const lost of ['n1', 'n2'] as const) {
  test(`when ${lost} is lost in the middle, nothing is started before it is fenced`, async (t) => {
    const done = { lock: handedOver(0, 0), vm: ON_N1 };
    const plan = await planFor({ migratable: BOTH, done, lost });
    const fence = `stonith 'reboot' ${lost}`;
    const starts = [...plan.actions].filter((name) => /^(vm|lock)_start/.test(name));
    t.true(starts.length > 0);
    for (const start of starts) t.true(plan.isBefore(fence, start), `${fence} before ${start}`);
  });
}
