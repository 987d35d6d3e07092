import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { openControlClient } from '../build/src/control/index.js';
import { buildDlmTwins } from './dlm/twins.mjs';
import { cpuSeconds } from './process-stat.mjs';
import { row } from './result.mjs';

const DAEMON = fileURLToPath(new URL('../build/src/main.js', import.meta.url));
const LOCKSPACE = 'bench';
const READY_MS_MAX = 20_000;
/** V8 shrinks its heap three times some 40 s after the start, and then no more. */
const SETTLE_MS = 75_000;
const IDLE_MS = 60_000;
const CORE_PERCENT_MAX = 0.2;

/** What a dlm_controld with that lockspace says; the shell costs more than dlm_tool itself. */
const TOOL = `#!/bin/sh
case "$1" in
dump_config) echo enable_fencing=1 ;;
ls) echo 'dlm lockspaces
name          ${LOCKSPACE}
id            0x77222027
flags         0x00000000
change        member 1 joined 1 remove 0 failed 0 seq 1,1
members       1' ;;
esac
`;

/** A kernel that has DLM and the lockspace, as far as the daemon looks; in the node's mounts. */
const KERNEL = `set -e
echo ' 60 dlm-control' > "$1/misc"
mount --bind "$1/misc" /proc/misc
mount -t tmpfs tmpfs /sys/kernel
mkdir -p /sys/kernel/dlm/${LOCKSPACE} /sys/kernel/debug/dlm
mkdir -p /sys/kernel/config/dlm/cluster/spaces/${LOCKSPACE}/nodes/1
echo 55 > /sys/kernel/dlm/${LOCKSPACE}/recover_status
: > /sys/kernel/debug/dlm/${LOCKSPACE}_locks
shift
exec "$@"`;

/**
 * The CPU that the daemon and its children use while nothing happens: standing ok, beside a real
 * corosync, with its DLM child over the stub of libdlm. dlm_tool, which it runs every few
 * seconds, is a shell script here.
 */
export async function benchIdle({ cluster, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const { stubFolder } = buildDlmTwins();
  writeFileSync(join(folder, 'dlm_tool'), TOOL);
  chmodSync(join(folder, 'dlm_tool'), 0o755);
  const socketPath = join(folder, 'control.sock');
  const config = join(folder, 'holdfast.toml');
  writeFileSync(config, [
    `socket = "${socketPath}"`, `state_dir = "${folder}/state"`, 'node_name = "n1"',
    `lockspace = "${LOCKSPACE}"`,
  ].join('\n'));
  const command = ['-c', KERNEL, 'sh', folder, process.execPath, DAEMON, '--config', config];
  const env = {
    ...process.env, PATH: `${folder}:${process.env.PATH}`, LD_LIBRARY_PATH: stubFolder,
  };
  const daemon = cluster.node(1).spawn('sh', command, { stdio: 'ignore', env });
  try {
    await untilOk(daemon, socketPath);
    await delay(SETTLE_MS);
    const before = cpuSeconds(daemon.pid);
    say(`idle: the daemon is left alone for ${IDLE_MS / 1e3} s`);
    await delay(IDLE_MS);
    const after = cpuSeconds(daemon.pid);
    const [living, ended] = [after.living - before.living, after.ended - before.ended];
    const { standing } = await openControlClient({ socketPath }).status();
    if (standing.kind !== 'ok') throw new Error(`the daemon is ${JSON.stringify(standing)}`);
    const detail =
      `in ${IDLE_MS / 1e3} s: ${(living * 1e3).toFixed(0)} ms in the daemon and its child, ` +
      `${(ended * 1e3).toFixed(0)} ms in runs of dlm_tool`;
    return [row('idle CPU of the daemon', ((living + ended) * 1e5) / IDLE_MS,
      { atMost: CORE_PERCENT_MAX }, detail, '% of a core')];
  } finally {
    await daemon.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function untilOk(daemon, socketPath) {
  const client = openControlClient({ socketPath });
  const endMs = performance.now() + READY_MS_MAX;
  for (let said = 'nothing'; performance.now() < endMs; await delay(200)) {
    if (!daemon.alive) throw new Error(`the daemon has ended: ${daemon.ending}; it said ${said}`);
    try {
      const { standing } = await client.status();
      if (standing.kind === 'ok') return;
      said = JSON.stringify(standing);
    } catch (error) {
      // It does not answer yet; the last try is reported.
      said = error.message;
    }
    if (performance.now() + 200 > endMs) throw new Error(`the daemon is not ready: ${said}`);
  }
}
