import { createServer } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { CoordinatorError } from '../../src/coordinator/error.js';
import type { LockState } from '../../src/coordinator/core/view.js';
import { aLock, aStatus, waitForAbort, type FakeService } from '../control/fake-service.js';
import { serve } from '../control/fixture.js';
import { Agent, OCF, SHELLS, type AgentRun } from './support/agent.js';

/** For what ends with its time; enough of it that a busy machine answers once before. */
const SOON = { CRM_meta_timeout: '6000' };

async function lockOf(t: ExecutionContext): Promise<{ agent: Agent; service: FakeService }> {
  const { service, socketPath } = await serve(t);
  const agent = await Agent.create(t, 'lock', { resource: 'vm-17', socket: socketPath });
  return { agent, service };
}

async function lockWithoutDaemon(t: ExecutionContext): Promise<Agent> {
  const agent = await Agent.create(t, 'lock', { resource: 'vm-17' });
  const socket = join(agent.folder, 'no.sock');
  return Agent.create(t, 'lock', { resource: 'vm-17', socket });
}

for (const shell of SHELLS) {
  test(`in ${shell.join(' ')}, whatever the names are, they reach the daemon as they are`, async (t) => {
    const { service, socketPath } = await serve(t);
    const resource = `a "quoted" \\ $(touch x) 'name' *%&=+?#`;
    const owner = 'back\\slash" é';
    const agent = await Agent.create(t, 'lock', { resource, owner, socket: socketPath }, shell);
    t.is((await agent.run('start')).exitCode, OCF.success);
    t.like(service.acquires[0], { resource, mode: 'EX', owner: { kind: 'named', name: owner } });
    t.is((await agent.run('stop')).exitCode, OCF.success);
    t.like(service.releases[0], { resource, owner: { kind: 'named', name: owner } });
    const asked: unknown[] = [];
    service.ownLock = (...question) => {
      asked.push(question);
      return { state: 'held', lock: aLock(), standing: { kind: 'ok' } };
    };
    t.is((await agent.run('monitor')).exitCode, OCF.success);
    t.deepEqual(asked, [[resource, { kind: 'named', name: owner }]]);
  });
}

test('the owner is the resource, the wait nearly all the time, the mode as configured', async (t) => {
  const { agent, service } = await lockOf(t);
  await agent.run('start', { mode: 'shared', CRM_meta_timeout: '60000' });
  const [asked] = service.acquires;
  t.like(asked, { mode: 'PR', owner: { kind: 'named', name: 'pacemaker:rsc' } });
  const waitMs = asked?.waitMs ?? 0;
  t.true(waitMs > 45_000 && waitMs < 56_000, `${waitMs}`);
  await agent.run('start', { wait: '0' });
  t.is(service.acquires[1]?.waitMs, 0);
});

test('a start that is refused says who is in the way', async (t) => {
  const { agent, service } = await lockOf(t);
  service.onAcquire = () => Promise.reject(new CoordinatorError('HELD', 'qemu-3 holds it EX on n2'));
  const run = await agent.run('start');
  t.is(run.exitCode, OCF.generic);
  t.is(run.reason, 'qemu-3 holds it EX on n2');
  t.is(service.acquires.length, 1);
});

for (const [code, exitCode] of [
  ['ISOLATED', OCF.generic], ['TIMEOUT', OCF.generic], ['LIST_FAILED', OCF.generic],
  ['LIMIT', OCF.generic], ['BAD_NAME', OCF.configured],
] as const) {
  test(`a start that the daemon refuses with ${code} ends at once with its reason`, async (t) => {
    const { agent, service } = await lockOf(t);
    service.onAcquire = () => Promise.reject(new CoordinatorError(code, `because of ${code}`));
    const run = await agent.run('start');
    t.is(run.exitCode, exitCode);
    t.is(run.reason, `because of ${code}`);
    t.is(service.acquires.length, 1);
  });
}

for (const code of ['BUSY', 'STARTING', 'NO_QUORUM', 'RECOVERING', 'LOCK_MANAGER'] as const) {
  test(`a start asks again after ${code}, which passes`, async (t) => {
    const { agent, service } = await lockOf(t);
    let asked = 0;
    service.onAcquire = (request) => {
      asked += 1;
      if (asked === 1) return Promise.reject(new CoordinatorError(code, 'not now'));
      const lock = aLock({ resource: request.resource });
      return Promise.resolve({ lock, acquired: true, convertedFrom: null });
    };
    t.is((await agent.run('start')).exitCode, OCF.success);
    t.is(asked, 2);
  });
}

test('what does not pass in time is told, and the wait in the daemon is given up', async (t) => {
  const { agent, service } = await lockOf(t);
  service.onAcquire = (request) => request.waitMs === 0
    ? Promise.reject(new CoordinatorError('NO_QUORUM', 'no quorum here')) : waitForAbort(request);
  const run = await agent.run('start', SOON);
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /'vm-17' was not granted in time: /);
});

test('a stop is done when nothing is held, whoever else holds it', async (t) => {
  const { agent, service } = await lockOf(t);
  service.onRelease = () => Promise.resolve({ released: false, pending: false });
  t.is((await agent.run('stop')).exitCode, OCF.success);
  service.onRelease = () => Promise.resolve({ released: true, pending: true });
  const pending = await agent.run('stop');
  t.is(pending.exitCode, OCF.success);
  t.regex(pending.log, /released as soon as the lockspace runs again/);
  for (const code of ['NOT_HELD', 'NOT_OWNER'] as const) {
    service.onRelease = () => Promise.reject(new CoordinatorError(code, 'somebody else has it'));
    t.is((await agent.run('stop')).exitCode, OCF.success, code);
  }
});

test('without a daemon a stop is done only where the kernel is in no lockspace', async (t) => {
  const agent = await lockWithoutDaemon(t);
  t.is((await agent.run('stop')).exitCode, OCF.success);
  writeFileSync(agent.lockspace, '');
  const run = await agent.run('stop', SOON);
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /'vm-17' was not released and stays held: nobody listens on/);
});

const STATES: readonly (readonly [state: LockState | 'none', probe: number, monitor: number, reason: RegExp])[] = [
  ['held', OCF.success, OCF.success, /^$/],
  ['none', OCF.notRunning, OCF.notRunning, /is not held by pacemaker:rsc/],
  ['lost', OCF.notRunning, OCF.generic, /'vm-17' is LOST: what it protects is unprotected/],
  ['orphaned', OCF.success, OCF.generic, /nobody says whether 'vm-17' is held: it is orphaned/],
  ['waiting', OCF.notRunning, OCF.generic, /nobody says whether .*: it is waiting/],
  ['taking', OCF.notRunning, OCF.generic, /nobody says whether .*: it is taking/],
  ['releasing', OCF.notRunning, OCF.generic, /nobody says whether .*: it is releasing/],
];

for (const [state, probe, monitor, reason] of STATES) {
  test(`a lock that is ${state}: a probe says ${probe}, a monitor ${monitor}`, async (t) => {
    const { agent, service } = await lockOf(t);
    service.ownLockView = {
      state, lock: state === 'none' ? null : aLock({ state }), standing: { kind: 'ok' },
    };
    const waits = /nobody says/.test(reason.source);
    const run = await agent.run('monitor', waits ? SOON : {});
    t.is(run.exitCode, monitor, run.log);
    t.regex(run.reason, reason);
    t.is((await agent.probe()).exitCode, probe);
  });
}

for (const [kind, monitor] of [
  ['ok', OCF.success], ['no-quorum', OCF.success], ['recovering', OCF.success],
  ['isolated', OCF.generic],
] as const) {
  test(`a held lock of a node that is ${kind}: the monitor says ${monitor}`, async (t) => {
    const { agent, service } = await lockOf(t);
    const standing = kind === 'isolated' ? { kind, reason: 'corosync has gone' } as const
      : kind === 'recovering' ? { kind, waitingFor: 'fencing' } as const : { kind } as const;
    service.ownLockView = { state: 'held', lock: aLock(), standing };
    const run = await agent.run('monitor');
    t.is(run.exitCode, monitor);
    if (kind === 'isolated') t.is(run.reason, `nobody vouches for 'vm-17': corosync has gone`);
  });
}

test('a daemon that is being started again is waited for', async (t) => {
  const { agent, service } = await lockOf(t);
  let asked = 0;
  service.ownLock = () => {
    asked += 1;
    const standing = { kind: 'starting', waitingFor: 'adoption' } as const;
    if (asked === 1) return { state: 'orphaned', lock: aLock({ state: 'orphaned' }), standing };
    return { state: 'held', lock: aLock(), standing: { kind: 'ok' } };
  };
  t.is((await agent.run('monitor')).exitCode, OCF.success);
  t.is(asked, 2);
});

test('a daemon that does not come back fails the monitor, and no probe', async (t) => {
  const agent = await lockWithoutDaemon(t);
  writeFileSync(agent.lockspace, '');
  t.is((await agent.probe()).exitCode, OCF.notRunning);
  const run = await agent.run('monitor', SOON);
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /nobody says whether 'vm-17' is held: nobody listens on .*no\.sock/);
});

test('a node that has left the lockspace holds nothing, and says so at once', async (t) => {
  const agent = await lockWithoutDaemon(t);
  const run = await agent.run('monitor');
  t.is(run.exitCode, OCF.notRunning);
  t.regex(run.reason, /this node has left the lockspace/);
});

test('a daemon that hangs hangs no action', async (t) => {
  const agent = await Agent.create(t, 'lock', { resource: 'vm-17' });
  const socket = join(agent.folder, 'hangs.sock');
  const server = createServer(() => undefined).listen(socket);
  t.teardown(() => server.close());
  const beganMs = performance.now();
  const runs = await Promise.all(['start', 'stop', 'monitor'].map((action) => {
    return agent.run(action, { ...SOON, socket });
  }));
  for (const run of runs) {
    t.is(run.exitCode, OCF.generic, run.log);
    t.regex(run.reason, /the daemon on .*hangs\.sock does not answer/);
  }
  t.is((await agent.run('monitor', { ...SOON, socket }, '0')).exitCode, OCF.notRunning);
  // Each of them was told to be done in 6 s.
  t.true(performance.now() - beganMs < 30_000);
});

const WRONG: readonly (readonly [Record<string, string>, RegExp])[] = [
  [{ resource: '' }, /resource must have 1 to 1024 bytes, and has 0/],
  [{ resource: 'x'.repeat(1025) }, /resource must have 1 to 1024 bytes, and has 1025/],
  [{ resource: 'a\nb' }, /resource must not contain control characters/],
  [{ owner: 'x'.repeat(257) }, /owner must have 1 to 256 bytes/],
  [{ mode: 'odd' }, /mode must be one of: exclusive shared; not 'odd'/],
  [{ wait: 'long' }, /wait must be a whole number of seconds, not 'long'/],
  [{ wait: '9999999' }, /wait must be a whole number of seconds/],
  [{ socket: 'run/x' }, /socket must be an absolute path, not 'run\/x'/],
];

for (const [parameters, reason] of WRONG) {
  test(`refused as configured: ${JSON.stringify(parameters).slice(0, 40)}`, async (t) => {
    const agent = await lockWithoutDaemon(t);
    for (const action of ['validate-all', 'start', 'reload-agent']) {
      const run: AgentRun = await agent.run(action, parameters);
      t.is(run.exitCode, OCF.configured, action);
      t.regex(run.reason, reason);
    }
  });
}

test('level 10 looks at the node, level 0 does not', async (t) => {
  const agent = await lockWithoutDaemon(t);
  const level = { OCF_CHECK_LEVEL: '10' };
  t.is((await agent.run('validate-all')).exitCode, OCF.success);
  t.is((await agent.run('validate-all', level)).exitCode, OCF.success);
  t.is((await agent.run('reload-agent', { wait: '5' })).exitCode, OCF.success);
});

test('an action that is none is unimplemented', async (t) => {
  const agent = await lockWithoutDaemon(t);
  t.is((await agent.run('promote')).exitCode, OCF.unimplemented);
  t.is((await agent.run('usage')).exitCode, OCF.success);
});

const MIGRATION = { CRM_meta_migrate_source: 'n1', CRM_meta_migrate_target: 'n 2' };

test('a migration offers the lock to its target, and joins there', async (t) => {
  const { agent, service } = await lockOf(t);
  service.onHandover = ({ action }) => Promise.resolve({
    at: action === 'open' ? 'offered' : 'joined', lock: aLock(),
  });
  t.is((await agent.run('migrate_to', MIGRATION)).exitCode, OCF.success);
  const what = { resource: 'vm-17', owner: { kind: 'named', name: 'pacemaker:rsc' } };
  t.like(service.handovers[0], { action: 'open', to: 'n 2', waitMs: 600_000, ...what });
  t.is((await agent.run('migrate_from', { ...MIGRATION, CRM_meta_timeout: '60000' })).exitCode, 0);
  t.like(service.handovers[1], { action: 'join', ...what });
  const waitMs = service.handovers[1]?.waitMs ?? 0;
  t.true(waitMs > 45_000 && waitMs < 56_000, `${waitMs}`);
  t.is(service.acquires.length + service.releases.length, 0);
});

for (const action of ['migrate_to', 'migrate_from'] as const) {
  test(`${action} that is refused for good fails at once with the reason`, async (t) => {
    const { agent, service } = await lockOf(t);
    service.onHandover = () => Promise.reject(new CoordinatorError('NOT_HELD', 'not here'));
    const run = await agent.run(action, MIGRATION);
    t.is(run.exitCode, OCF.generic);
    t.is(run.reason, 'not here');
    t.is(service.handovers.length, 1);
  });

  test(`${action} asks again after what passes, and then says what did not`, async (t) => {
    const { agent, service } = await lockOf(t);
    service.onHandover = () => Promise.reject(new CoordinatorError('RECOVERING', 'wait for n3'));
    const run = await agent.run(action, { ...MIGRATION, ...SOON });
    t.is(run.exitCode, OCF.generic);
    t.regex(run.reason, /'vm-17' could not be .* in time: wait for n3/);
    t.true(service.handovers.length > 1);
  });

  test(`${action} without a daemon fails and says so`, async (t) => {
    const agent = await lockWithoutDaemon(t);
    const run = await agent.run(action, { ...MIGRATION, ...SOON });
    t.is(run.exitCode, OCF.generic);
    t.regex(run.reason, /nobody listens/);
  });
}

test('a migration to nowhere is refused', async (t) => {
  const { agent, service } = await lockOf(t);
  t.is((await agent.run('migrate_to')).exitCode, OCF.args);
  t.is(service.handovers.length, 0);
});

test('a shared lock needs no handover: it is simply taken at the target as well', async (t) => {
  const { agent, service } = await lockOf(t);
  for (const action of ['migrate_to', 'migrate_from']) {
    t.is((await agent.run(action, { mode: 'shared', ...MIGRATION })).exitCode, OCF.success);
  }
  t.is(service.handovers.length, 0);
  t.like(service.acquires, [{ mode: 'PR' }]);
});

test('status of the daemon is none of its business', async (t) => {
  const { agent, service } = await lockOf(t);
  service.statusView = aStatus({ standing: { kind: 'no-quorum' } });
  service.ownLockView = { state: 'held', lock: aLock(), standing: { kind: 'ok' } };
  t.is((await agent.run('monitor')).exitCode, OCF.success);
});
