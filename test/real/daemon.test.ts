import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { openControlClient } from '../../src/control/index.js';
import { NetnsCluster } from '../netns/cluster.js';
import type { NetnsNode } from '../netns/node.js';
import { DAEMON, Program, until } from '../support/program.js';

interface Context {
  cluster: NetnsCluster;
  folder: string;
}
const test = anyTest as TestFn<Context>;

/** What dlm_tool would print with a dlm_controld that has no lockspace. */
const TOOL = (fencing: 0 | 1) =>
  `#!/bin/sh\n[ "$1" = dump_config ] && printf 'enable_fencing=${fencing}\\n'\nexit 0\n`;

test.beforeEach(async (t) => {
  t.timeout(120_000);
  t.context.folder = mkdtempSync(join(tmpdir(), 'holdfast-real-'));
  t.context.cluster = await NetnsCluster.create({ tokenMs: 1_000 });
});
test.afterEach.always(async (t) => {
  await t.context.cluster.down();
  rmSync(t.context.folder, { recursive: true, force: true });
});

/** Starts the real daemon inside the node; `path` comes before the machine's own PATH. */
function startDaemon(node: NetnsNode, folder: string, path = ''): Program {
  const config = join(folder, 'holdfast.toml');
  writeFileSync(config, [
    `socket = "${folder}/control.sock"`, `state_dir = "${folder}/state"`, 'node_name = "n1"',
  ].join('\n'));
  const child = node.spawn(process.execPath, [DAEMON, '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${path}:${process.env['PATH'] ?? ''}` },
  });
  return new Program(child.process);
}

function writeTool(folder: string, fencing: 0 | 1): string {
  writeFileSync(join(folder, 'dlm_tool'), TOOL(fencing));
  chmodSync(join(folder, 'dlm_tool'), 0o755);
  return folder;
}

test.serial('the start says in turn what it waits for: corosync, quorum, dlm_controld', async (t) => {
  const { cluster, folder } = t.context;
  const daemon = startDaemon(cluster.node(1), folder);
  await daemon.untilSaid(/answers on/);
  const client = openControlClient({ socketPath: join(folder, 'control.sock') });
  const waitsFor = (pattern: RegExp) => until(async () => {
    const { standing } = await client.status();
    return standing.kind === 'starting' && pattern.test(standing.waitingFor);
  }, () => `${String(pattern)}; it said:\n${daemon.stderr}`);

  await waitsFor(/^corosync \(.*not running.*start corosync/);
  cluster.node(1).start();
  await waitsFor(/^quorum \(of the nodes only 1 is here; start corosync on the others/);
  cluster.node(2).start();
  await waitsFor(/^dlm_controld \(.*start dlm\.service/);
  t.log((await client.status()).standing);
  const owner = { kind: 'named', name: 'me' } as const;
  await t.throwsAsync(client.acquire({ resource: 'disk', mode: 'EX', owner, waitMs: 0 }), {
    code: 'STARTING', message: /dlm_controld/,
  });
  await cluster.node(2).kill();
  await waitsFor(/^quorum /);
  await cluster.node(1).kill();
  await waitsFor(/^corosync /);
  daemon.child.kill('SIGTERM');
  t.is(await daemon.ended(), 0);
});

test.serial('without dlm.ko it says so, which is another thing than dlm_controld', async (t) => {
  const { cluster, folder } = t.context;
  const daemon = startDaemon(cluster.node(1), folder, writeTool(folder, 1));
  for (const node of [1, 2]) cluster.node(node).start();
  await daemon.untilSaid(/waiting for the lockspace \(.*modprobe dlm/);
  t.is(daemon.exitCode, null);
  t.log(daemon.stderr.split('\n').filter((line) => line.includes('modprobe'))[0]);
  daemon.child.kill('SIGTERM');
  t.is(await daemon.ended(), 0);
});

test.serial('with fencing disabled it refuses to run, and says how to allow either', async (t) => {
  const { cluster, folder } = t.context;
  const daemon = startDaemon(cluster.node(1), folder, writeTool(folder, 0));
  for (const node of [1, 2]) cluster.node(node).start();
  t.is(await daemon.ended(), 3);
  t.regex(daemon.stderr, /fencing is disabled in dlm_controld.*set enable_fencing=1 in /);
  t.regex(daemon.stderr, /or unsafe_no_fencing = true/);
});
