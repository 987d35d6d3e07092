import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FencingHint } from '../../src/coordinator/core/view.js';
import type { FencingReport } from '../../src/coordinator/service.js';
import { serve } from '../control/fixture.js';
import { PROJECT } from './support/agent.js';

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

async function alert(env: Record<string, string>): Promise<Ended> {
  const child = spawn(join(PROJECT, 'pacemaker/alert/fencing-alert'), {
    env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

test('a fencing alert is told to the daemon, whatever its words are', async (t) => {
  const { service, socketPath } = await serve(t);
  const heard: FencingReport[] = [];
  service.hintFencing = (report) => {
    heard.push(report);
    const hint = { ...report, at: '2030-01-01T00:00:00.000Z', nodeId: 2, controller: 'none' };
    return Promise.resolve(hint as FencingHint);
  };
  const env = { CRM_alert_kind: 'fencing', CRM_alert_recipient: socketPath };
  t.like(await alert({ ...env, CRM_alert_node: 'n2', CRM_alert_task: 'reboot', CRM_alert_rc: '0' }),
    { code: 0, stderr: '' });
  t.is((await alert({ ...env, CRM_alert_node: 'a"b\\c\nd', CRM_alert_rc: '-62' })).code, 0);
  t.deepEqual(heard, [
    { node: 'n2', operation: 'reboot', succeeded: true },
    { node: 'a"b\\cd', operation: 'fencing', succeeded: false },
  ]);
});

test('an alert of another kind is none of its business', async (t) => {
  t.is((await alert({ CRM_alert_kind: 'node', CRM_alert_recipient: '/nowhere' })).code, 0);
});

test('a daemon that cannot be told is told of on standard error', async (t) => {
  const run = await alert({
    CRM_alert_kind: 'fencing', CRM_alert_node: 'n2', CRM_alert_recipient: '/nowhere.sock',
  });
  t.is(run.code, 1);
  t.regex(run.stderr, /was not told of the fencing of n2: /);
});

interface Reaction {
  readonly folder: string;
  run(env: Record<string, string>): { readonly status: number | null; readonly stderr: string };
  calls(): string;
}

async function reactionOf(t: ExecutionContext, crmResource = ''): Promise<Reaction> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-reaction-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const calls = join(folder, 'calls');
  for (const [name, body] of [
    ['crm_node', 'echo n1'], ['crm_resource', `echo "$*" >>"${calls}"\n${crmResource}`],
  ] as const) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return {
    folder,
    run: (env) => spawnSync(join(PROJECT, 'pacemaker/reaction/fail-resource'), {
      env: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HA_RSCTMP: folder, ...env },
      encoding: 'utf8', timeout: 20_000,
    }),
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8') : ''),
  };
}

const LOST = { HOLDFAST_EVENT: 'lock-lost', HOLDFAST_EVENT_ID: 'e-1' };

test('a lost lock of Pacemaker fails its resource, once for each event', async (t) => {
  const reaction = await reactionOf(t);
  const env = { ...LOST, HOLDFAST_OWNER: 'pacemaker:vm-17-lock' };
  t.is(reaction.run(env).status, 0);
  t.is(reaction.run(env).status, 0);
  t.is(reaction.calls(), '--fail --resource vm-17-lock --node n1\n');
  t.is(reaction.run({ ...env, HOLDFAST_EVENT_ID: 'e-2' }).status, 0);
  t.is(reaction.calls().split('\n').length, 3);
});

test('a lost lock of somebody else is left to others', async (t) => {
  const reaction = await reactionOf(t);
  t.is(reaction.run({ ...LOST, HOLDFAST_OWNER: 'libvirt:x' }).status, 0);
  t.is(reaction.run(LOST).status, 0);
  t.is(reaction.calls(), '');
});

test('an isolated node fails the coordinator that runs there', async (t) => {
  const reaction = await reactionOf(t);
  const env = { HOLDFAST_EVENT: 'isolated', HOLDFAST_EVENT_ID: 'e-1' };
  t.is(reaction.run(env).status, 0);
  t.is(reaction.calls(), '');
  writeFileSync(join(reaction.folder, 'holdfast-coordinator'), 'holdfast\n');
  t.is(reaction.run(env).status, 0);
  t.is(reaction.calls(), '--fail --resource holdfast --node n1\n');
});

test('when Pacemaker does not take it, it is tried again', async (t) => {
  const reaction = await reactionOf(t, 'exit 1');
  const env = { ...LOST, HOLDFAST_OWNER: 'pacemaker:x' };
  t.is(reaction.run(env).status, 1);
  t.is(reaction.run(env).status, 1);
  t.is(reaction.calls().trim().split('\n').length, 2);
});

test('an event that it is not made for is refused', async (t) => {
  const reaction = await reactionOf(t);
  const run = reaction.run({ HOLDFAST_EVENT: 'node-down', HOLDFAST_EVENT_ID: 'e' });
  t.is(run.status, 2);
  t.regex(run.stderr, /is for lock-lost and isolated, not for 'node-down'/);
});
