import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { cpuSeconds } from './process-stat.mjs';
import { row } from './result.mjs';

const DAEMON = fileURLToPath(new URL('../build/src/main.js', import.meta.url));
const SETTLE_MS = 5_000;
const IDLE_MS = 60_000;
const CORE_PERCENT_MAX = 0.2;
/** A dlm_controld without a lockspace. */
const TOOL = '#!/bin/sh\n[ "$1" = dump_config ] && printf "enable_fencing=1\\n"\nexit 0\n';

/**
 * The CPU that the daemon and its children use while nothing happens, beside a quorate corosync.
 * Without dlm.ko it waits for the lockspace, which is all that this machine can show.
 */
export async function benchIdle({ cluster, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  writeFileSync(join(folder, 'dlm_tool'), TOOL);
  chmodSync(join(folder, 'dlm_tool'), 0o755);
  const config = join(folder, 'holdfast.toml');
  writeFileSync(config, [
    `socket = "${folder}/control.sock"`, `state_dir = "${folder}/state"`, 'node_name = "n1"',
  ].join('\n'));
  const daemon = cluster.node(1).spawn(process.execPath, [DAEMON, '--config', config], {
    stdio: 'ignore', env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
  try {
    await delay(SETTLE_MS);
    const before = cpuSeconds(daemon.pid);
    say(`idle: the daemon is left alone for ${IDLE_MS / 1e3} s`);
    await delay(IDLE_MS);
    if (!daemon.alive) throw new Error(`the daemon has ended: ${daemon.ending}`);
    const seconds = cpuSeconds(daemon.pid) - before;
    const detail = `${(seconds * 1e3).toFixed(0)} ms of CPU in ${IDLE_MS / 1e3} s`;
    return [row('idle CPU of the daemon', (seconds * 1e5) / IDLE_MS,
      { atMost: CORE_PERCENT_MAX }, detail, '% of a core')];
  } finally {
    await daemon.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
