// `node bench/owners.mjs [OWNERS]`: what it costs to watch the processes that own locks, by pidfd
// against reading /proc/PID/stat of each once a second. Needs a build, and prlimit of util-linux.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { openProcessWatch } from '../build/src/process-watch/index.js';
import { readStartTime } from '../build/src/process-watch/stat.js';
import { machineFacts } from './machine.mjs';
import { row, tableOf } from './result.mjs';

const OWNERS = Number(process.argv[2] ?? 2_000);
const IDLE_MS = 20_000;
const POLL_MS = 1_000;
/** Descriptors that are left when it is shown what happens without any. */
const SPARE = 8;

process.stderr.write(`${machineFacts().join('\n')}\n`);
const children = [];
try {
  const rows = await measure();
  process.stdout.write(`${tableOf(rows)}\n`);
} finally {
  for (const child of children) child.kill('SIGKILL');
}

async function measure() {
  for (let at = 0; at < OWNERS; at += 1) {
    children.push(spawn('sleep', ['600'], { stdio: 'ignore' }));
  }
  await Promise.all(children.map((child) => child.pid === undefined ? once(child, 'spawn') : 0));
  const watch = await openProcessWatch();
  const owners = children.map(({ pid }) => ({ pid, startTime: readStartTime(pid) }));

  const idle = await cpuPercent(() => delay(IDLE_MS));
  globalThis.gc?.();
  const fdsBefore = openFds();
  const memoryBefore = process.memoryUsage().rss;
  const beganMs = performance.now();
  let ends = 0;
  const watched = owners.map((owner) => watch.watch(owner, () => (ends += 1)));
  const openUs = ((performance.now() - beganMs) * 1_000) / OWNERS;
  const fds = (openFds() - fdsBefore) / OWNERS;
  const byPidfd = await cpuPercent(() => delay(IDLE_MS));
  const bytes = (process.memoryUsage().rss - memoryBefore) / OWNERS;
  const refused = withoutDescriptors(watch, owners);

  const endMs = await endOne(() => ends);
  for (const one of watched) one.close();
  const byPolling = await cpuPercent(() => pollFor(owners.slice(1), IDLE_MS));
  const what = `${OWNERS} owners`;
  return [
    row(`${what}: CPU while idle by pidfd`, byPidfd - idle, { atMost: 0.5 },
      `${byPidfd.toFixed(2)} % of a core against ${idle.toFixed(2)} % without any`, '% of a core'),
    row(`${what}: CPU by reading /proc every s`, byPolling - idle, { atLeast: 0 },
      'for comparison', '% of a core'),
    row(`${what}: to begin a watch`, openUs, { atMost: 500 }, 'pidfd_open, stat, poll', 'us'),
    row(`${what}: descriptors each`, fds, { atMost: 1 }, '', 'fds'),
    row(`${what}: memory each`, bytes / 1024, { atMost: 4 }, 'resident', 'KiB'),
    row('an end is told after', endMs, { atMost: 100 }, 'SIGKILL to callback', 'ms'),
    row('watches refused as LIMIT', refused, { atLeast: 1 },
      `of ${2 * SPARE} with ${SPARE} descriptors left; none lost silently`, ''),
  ];
}

/** The CPU of this process alone, in percent of a core, while that runs. */
async function cpuPercent(run) {
  const before = process.cpuUsage();
  const beganMs = performance.now();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10 / (performance.now() - beganMs);
}

async function pollFor(owners, forMs) {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    const beganMs = performance.now();
    for (const { pid, startTime } of owners) {
      if (readStartTime(pid) !== startTime) throw new Error(`process ${pid} has ended`);
    }
    await delay(Math.max(0, POLL_MS - (performance.now() - beganMs)));
  }
}

async function endOne(ends) {
  const beganMs = performance.now();
  children[0].kill('SIGKILL');
  while (ends() === 0 && performance.now() - beganMs < 5_000) await delay(1);
  return performance.now() - beganMs;
}

/** How many of twice as many watches as there are descriptors left are refused, as they must be. */
function withoutDescriptors(watch, owners) {
  limitFds(`${Math.max(...readdirSync('/proc/self/fd').map(Number)) + 1 + SPARE}:`);
  const watched = [];
  let refused = 0;
  for (let at = 0; at < 2 * SPARE; at += 1) {
    try {
      watched.push(watch.watch(owners[at + 1], () => undefined));
    } catch (error) {
      if (error.code !== 'LIMIT') throw error;
      refused += 1;
    }
  }
  for (const one of watched) one.close();
  return refused;
}

/** From outside, by a process that is started while there are descriptors. */
function limitFds(limit) {
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}`]);
}

function openFds() {
  return readdirSync('/proc/self/fd').length;
}
