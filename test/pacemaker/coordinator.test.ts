import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { openControlClient } from '../../src/control/index.js';
import { CoordinatorError } from '../../src/coordinator/error.js';
import type { Standing } from '../../src/coordinator/core/view.js';
import { aLock, aStatus, type FakeService } from '../control/fake-service.js';
import { serve } from '../control/fixture.js';
import { Agent, OCF } from './support/agent.js';

const DAEMON = fileURLToPath(new URL('support/embedded-daemon.js', import.meta.url));
/** For what ends with its time; enough of it that a busy machine answers once before. */
const SOON = { CRM_meta_timeout: '6000' };

/** A systemd that has the unit, in that state, and does all it is asked. */
const SYSTEMD = (activeState: string): string => `case $2 in
--property=LoadState) echo LoadState=loaded ;;
--property=ActiveState) echo ActiveState=${activeState} ;;
esac`;

/** An agent whose daemon is a real one on the embedded side, which it starts itself. */
async function directAgent(t: ExecutionContext): Promise<Agent & { readonly socket: string }> {
  const { folder } = await Agent.create(t, 'coordinator', {});
  const socket = join(folder, 'control.sock');
  const agent = await Agent.create(t, 'coordinator', {
    start_by: 'direct', socket, daemon: join(folder, 'holdfastd'),
    config: join(folder, 'none.toml'), log: join(folder, 'log'),
  });
  const { lockspace } = agent;
  writeFileSync(join(folder, 'holdfastd'),
    `#!/bin/sh\necho $$ >>"${folder}/pids"\nexec "${process.execPath}" "${DAEMON}" "${socket}" "${lockspace}"\n`,
    { mode: 0o755 });
  agent.stub('attrd_updater', '');
  t.teardown(() => {
    for (const pid of pidsOf(folder)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        // It has ended by itself, as most do.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    }
  });
  return Object.assign(agent, { socket });
}

function pidsOf(folder: string): readonly number[] {
  return readFileSync(join(folder, 'pids'), 'utf8').trim().split('\n').map(Number);
}

/** An agent before a daemon that says what the test wants. */
async function agentBefore(
  t: ExecutionContext, standing: Standing = { kind: 'ok' },
): Promise<{ agent: Agent; service: FakeService }> {
  const { service, socketPath } = await serve(t);
  service.statusView = aStatus({ standing });
  const agent = await Agent.create(t, 'coordinator', { socket: socketPath });
  agent.stub('attrd_updater', '');
  agent.stub('systemctl', SYSTEMD('active'));
  return { agent, service };
}

/** An agent on whose socket nobody listens. */
async function lonelyAgent(t: ExecutionContext, activeState: string): Promise<Agent> {
  const { folder } = await Agent.create(t, 'coordinator', {});
  const agent = await Agent.create(t, 'coordinator', { socket: join(folder, 'no.sock') });
  agent.stub('attrd_updater', '');
  agent.stub('systemctl', SYSTEMD(activeState));
  return agent;
}

test('start, monitor, stop, and each of them again', async (t) => {
  const agent = await directAgent(t);
  t.is((await agent.probe()).exitCode, OCF.notRunning);
  t.is((await agent.run('stop')).exitCode, OCF.success);
  for (let time = 1; time <= 2; time += 1) {
    const start = await agent.run('start');
    t.is(start.exitCode, OCF.success, start.log);
  }
  t.is(pidsOf(join(agent.socket, '..')).length, 1);
  t.is(readFileSync(agent.marker, 'utf8'), 'rsc\n');
  t.is((await agent.probe()).exitCode, OCF.success);
  t.is((await agent.run('monitor')).exitCode, OCF.success);
  for (let time = 1; time <= 2; time += 1) {
    const stop = await agent.run('stop');
    t.is(stop.exitCode, OCF.success, stop.log);
  }
  t.is((await agent.run('monitor')).exitCode, OCF.notRunning);
});

test('a stop is refused with the locks that are held, unless it is told to release them', async (t) => {
  const agent = await directAgent(t);
  t.is((await agent.run('start')).exitCode, OCF.success);
  const client = openControlClient({ socketPath: agent.socket });
  const owner = { kind: 'named', name: 'someone' } as const;
  await client.acquire({ resource: 'disk', mode: 'EX', owner, waitMs: 0 });
  const refused = await agent.run('stop');
  t.is(refused.exitCode, OCF.generic);
  t.regex(refused.reason, /the daemon holds 'disk': release them first/);
  t.is((await agent.run('monitor')).exitCode, OCF.success);
  const done = await agent.run('stop', { stop_locks: 'release' });
  t.is(done.exitCode, OCF.success, done.log);
});

test('a daemon that died is started again by the monitor, not by a probe', async (t) => {
  const agent = await directAgent(t);
  t.is((await agent.run('start')).exitCode, OCF.success);
  const [pid = 0] = pidsOf(join(agent.socket, '..'));
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  t.is((await agent.probe()).exitCode, OCF.notRunning);
  const monitor = await agent.run('monitor');
  t.is(monitor.exitCode, OCF.success, monitor.log);
  t.regex(monitor.log, /it is started again and takes its locks over/);
  t.is((await agent.run('stop')).exitCode, OCF.success);
});

test('a stop cleans up after a daemon that died, before dlm_controld may stop', async (t) => {
  const agent = await directAgent(t);
  t.is((await agent.run('start')).exitCode, OCF.success);
  const [pid = 0] = pidsOf(join(agent.socket, '..'));
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  const stop = await agent.run('stop');
  t.is(stop.exitCode, OCF.success, stop.log);
  t.regex(stop.log, /its lockspace has not: it is started to clean up/);
  t.is(pidsOf(join(agent.socket, '..')).length, 2);
});

test('a daemon that ends at its start fails the start, and names its log', async (t) => {
  const agent = await directAgent(t);
  writeFileSync(join(agent.socket, '..', 'holdfastd'), '#!/bin/sh\necho $$ >>"${0%/*}/pids"\nexit 2\n');
  const run = await agent.run('start');
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /the daemon ended at its start; see .*\/log/);
});

const STANDINGS: readonly (readonly [Standing, monitor: number, reason: RegExp])[] = [
  [{ kind: 'ok' }, OCF.success, /^$/],
  [{ kind: 'no-quorum' }, OCF.success, /^$/],
  [{ kind: 'recovering', waitingFor: 'fencing of n2' }, OCF.success, /^$/],
  [{ kind: 'isolated', reason: 'corosync has gone' }, OCF.generic,
    /this node is isolated, nobody vouches for its locks: corosync has gone/],
  [{ kind: 'starting', waitingFor: 'dlm_controld' }, OCF.generic,
    /the daemon is still starting, waiting for dlm_controld/],
];

for (const [standing, monitor, reason] of STANDINGS) {
  test(`a daemon that is ${standing.kind}: the monitor says ${monitor}`, async (t) => {
    const { agent } = await agentBefore(t, standing);
    const run = await agent.run('monitor', standing.kind === 'starting' ? SOON : {});
    t.is(run.exitCode, monitor, run.log);
    t.regex(run.reason, reason);
  });
}

test('a probe finds a daemon that is still starting', async (t) => {
  const { agent } = await agentBefore(t, { kind: 'starting', waitingFor: 'corosync' });
  t.is((await agent.probe()).exitCode, OCF.success);
});

test('a daemon that cannot end its start without quorum is no failure', async (t) => {
  const { agent, service } = await agentBefore(t);
  const standing = { kind: 'starting', waitingFor: 'quorum' } as const;
  service.statusView = aStatus({ standing, quorate: false });
  t.is((await agent.run('monitor')).exitCode, OCF.success);
});

test('a start that is not ready in time says what it waits for', async (t) => {
  const { agent } = await agentBefore(t, { kind: 'starting', waitingFor: 'dlm_controld' });
  const run = await agent.run('start', SOON);
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /not ready in time: starting, waiting for dlm_controld; see journalctl/);
});

test('under systemd a daemon that is coming back is waited for, an inactive one is not', async (t) => {
  const coming = await lonelyAgent(t, 'activating');
  writeFileSync(coming.marker, 'rsc');
  const late = await coming.run('monitor', SOON);
  t.is(late.exitCode, OCF.generic);
  t.regex(late.reason, /the daemon has ended; see journalctl -u holdfastd/);
  const dead = await lonelyAgent(t, 'failed');
  t.is((await dead.run('monitor')).exitCode, OCF.notRunning);
  writeFileSync(dead.marker, 'rsc');
  const run = await dead.run('monitor');
  t.is(run.exitCode, OCF.notRunning);
  t.regex(run.reason, /the daemon has ended/);
});

test('systemd that does not start the unit is told in its own words', async (t) => {
  const agent = await lonelyAgent(t, 'inactive');
  agent.stub('systemctl', `case $1 in
start) echo 'Failed to start: no such unit' >&2; exit 5 ;;
show) echo LoadState=loaded ;;
esac`);
  const run = await agent.run('start');
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /systemd does not start holdfastd\.service: Failed to start: no such unit/);
});

test('a stop fails while this node is in the lockspace, and says what that means', async (t) => {
  const { agent, service } = await agentBefore(t);
  service.onStop = () => Promise.resolve({ kept: 2 });
  const refusing = await agent.run('stop', SOON);
  t.is(refusing.exitCode, OCF.generic);
  t.regex(refusing.reason, /the daemon does not end; dlm_controld must not be stopped now/);

  const gone = await lonelyAgent(t, 'inactive');
  writeFileSync(gone.lockspace, '');
  const run = await gone.run('stop', SOON);
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /the daemon ended at its start/);
});

test('a stop under systemd ends the unit, so that nothing brings it back', async (t) => {
  const agent = await lonelyAgent(t, 'inactive');
  t.is((await agent.run('stop')).exitCode, OCF.success);
  t.true(agent.calls('systemctl').includes('stop holdfastd.service'));
});

test('a stop asks again while the daemon is busy, and gives its last word', async (t) => {
  const { agent, service } = await agentBefore(t);
  service.onStop = () => Promise.reject(new CoordinatorError('STOPPING', 'it is stopping already'));
  const run = await agent.run('stop', SOON);
  t.is(run.exitCode, OCF.generic);
  t.regex(run.reason, /the daemon was not stopped: it is stopping already/);
});

test('a daemon that hangs hangs no action', async (t) => {
  const { folder } = await Agent.create(t, 'coordinator', {});
  const socket = join(folder, 'hangs.sock');
  const server = createServer(() => undefined).listen(socket);
  t.teardown(() => server.close());
  const agent = await Agent.create(t, 'coordinator', { socket });
  agent.stub('systemctl', 'echo LoadState=loaded');
  const runs = await Promise.all(['start', 'stop', 'monitor'].map((action) => agent.run(action, SOON)));
  for (const run of runs) {
    t.is(run.exitCode, OCF.generic, run.log);
    t.regex(run.reason, /the daemon on .*hangs\.sock does not answer/);
  }
});

test('health is published when it changes', async (t) => {
  const { agent, service } = await agentBefore(t);
  for (let time = 1; time <= 2; time += 1) await agent.run('monitor');
  t.deepEqual(agent.calls('attrd_updater'), [
    '--name #health-holdfast --update green', '--name holdfast-lost --update 0',
  ]);
  service.statusView = aStatus({ lost: [aLock({ state: 'lost' }), aLock({ state: 'lost' })] });
  t.is((await agent.run('monitor')).exitCode, OCF.success);
  t.deepEqual(agent.calls('attrd_updater').slice(2), [
    '--name #health-holdfast --update red', '--name holdfast-lost --update 2',
  ]);
  const quiet = await agentBefore(t);
  await quiet.agent.run('monitor', { publish_health: 'false' });
  t.deepEqual(quiet.agent.calls('attrd_updater'), []);
});

test('health is published by a start, and withdrawn by a stop', async (t) => {
  const agent = await directAgent(t);
  t.is((await agent.run('start')).exitCode, OCF.success);
  const published = ['--name #health-holdfast --update green', '--name holdfast-lost --update 0'];
  t.deepEqual(agent.calls('attrd_updater'), published);
  t.is((await agent.run('stop')).exitCode, OCF.success);
  t.deepEqual(agent.calls('attrd_updater'), [
    ...published, '--name #health-holdfast --delete', '--name holdfast-lost --delete',
  ]);
});

test('fencing that is off in dlm_controld is refused, unless the configuration says so', async (t) => {
  const { agent } = await agentBefore(t);
  agent.stub('dlm_tool', 'echo enable_fencing=0');
  const config = join(agent.folder, 'holdfast.toml');
  writeFileSync(config, '# unsafe_no_fencing = true\n');
  agent.stub('systemctl', 'echo LoadState=loaded');
  const run = await agent.run('start', { config });
  t.is(run.exitCode, OCF.configured);
  t.regex(run.reason, /fencing is disabled in dlm_controld: set enable_fencing=1/);
  writeFileSync(config, 'unsafe_no_fencing = true\n');
  const unsafe = await agent.run('start', { config });
  t.is(unsafe.exitCode, OCF.success);
  t.regex(unsafe.log, /fencing is DISABLED in dlm_controld, and unsafe_no_fencing allows it/);
});

const WRONG: readonly (readonly [Record<string, string>, RegExp])[] = [
  [{ start_by: 'hand' }, /start_by must be one of: systemd direct; not 'hand'/],
  [{ stop_locks: 'keep' }, /stop_locks must be one of: refuse release; not 'keep'/],
  [{ publish_health: 'maybe' }, /publish_health must be one of: true false/],
  [{ daemon: 'holdfastd' }, /daemon must be an absolute path/],
  [{ config: 'x.toml' }, /config must be an absolute path/],
  [{ log: '' }, /log must be an absolute path/],
  [{ socket: 'x.sock' }, /socket must be an absolute path/],
  [{ lockspace: '../x' }, /lockspace must be made of A-Z/],
  [{ lockspace: 'x'.repeat(65) }, /lockspace must have 1 to 64 bytes/],
  [{ CRM_meta_globally_unique: 'true' }, /globally-unique must be false/],
];

for (const [parameters, reason] of WRONG) {
  test(`refused as configured: ${JSON.stringify(parameters).slice(0, 40)}`, async (t) => {
    const agent = await lonelyAgent(t, 'inactive');
    for (const action of ['validate-all', 'reload-agent']) {
      const run = await agent.run(action, parameters);
      t.is(run.exitCode, OCF.configured, action);
      t.regex(run.reason, reason);
    }
  });
}

test('level 10 finds what is missing on the node, level 0 does not look', async (t) => {
  const agent = await lonelyAgent(t, 'inactive');
  const level = { OCF_CHECK_LEVEL: '10' };
  t.is((await agent.run('validate-all', level)).exitCode, OCF.success);
  agent.stub('systemctl', 'echo LoadState=not-found');
  t.is((await agent.run('validate-all')).exitCode, OCF.success);
  const unit = await agent.run('validate-all', level);
  t.is(unit.exitCode, OCF.installed);
  t.regex(unit.reason, /systemd has no unit holdfastd\.service/);
  const direct = { ...level, start_by: 'direct', daemon: join(agent.folder, 'none') };
  const program = await agent.run('validate-all', direct);
  t.is(program.exitCode, OCF.installed);
  t.regex(program.reason, /there is no program .*none/);
});

test('an action that is none is unimplemented', async (t) => {
  const agent = await lonelyAgent(t, 'inactive');
  t.is((await agent.run('migrate_to')).exitCode, OCF.unimplemented);
});

/** Waits until a process of nobody is gone, whoever reaps it. */
async function gone(pid: number): Promise<void> {
  for (let look = 0; look < 200; look += 1) {
    try {
      if (/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`process ${pid} does not go`);
}
