// A hundred thousand lock cycles through the child: resident memory and open files of both
// processes must not grow, and nothing may be left of a lock at the end.
//
//   node bench/dlm/soak.mjs LOCKSPACE CYCLES [CHILD...]
//
// Every cycle is a take, a conversion and an unlock; every eighth lock is asked to unlock twice.
// Prints one line of JSON with the slopes of the second half, when caches have filled.
import { readdirSync, readFileSync } from 'node:fs';

import { openLockManager } from '../../build/src/dlm/index.js';
import { slope } from '../statistics.mjs';

const IN_FLIGHT = 16;
const SAMPLES = 100;
const PAGE_BYTES = 4_096;

const [name, cyclesText, ...childCommand] = process.argv.slice(2);
const cycles = Number(cyclesText);
const manager = openLockManager({
  log: (message) => console.error(message),
  ...(childCommand.length === 0 ? {} : { childCommand }),
});
const lockspace = await manager.openLockspace(name);
const child = Number(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ')[0]);
const samples = [];
let begun = 0;
let done = 0;

const startedMs = performance.now();
await Promise.all(Array.from({ length: IN_FLIGHT }, run));
const ms = performance.now() - startedMs;
globalThis.gc?.();
const openFiles = [process.pid, child].map(filesOf);
// Refused while the child has a lock, and the child ends when a status block is left without one.
await lockspace.release();
await manager.close();

const half = samples.slice(samples.length >> 1);
console.log(JSON.stringify({
  cycles: done,
  cyclesPerSecond: done / ms * 1_000,
  parent: trend(half, 'parent'),
  child: trend(half, 'child'),
  openFilesFirst: samples[0].files,
  openFilesLast: openFiles,
}));

async function run() {
  while (begun < cycles) {
    begun += 1;
    const number = begun;
    const { id, granted } = lockspace.take({
      resource: `soak-${process.pid}-${number}`, mode: 'EX', wait: number % 2 === 0,
    });
    await granted;
    await lockspace.convert(id, { mode: 'PR', wait: false });
    if (number % 8 === 0) {
      // The second one is refused, whichever way the race goes.
      const first = lockspace.unlock(id);
      await lockspace.unlock(id).catch(expectRefusal);
      await first;
    } else {
      await lockspace.unlock(id);
    }
    done += 1;
    if (done % Math.ceil(cycles / SAMPLES) === 0) {
      samples.push({
        done, parent: residentBytes(process.pid), child: residentBytes(child),
        files: [process.pid, child].map(filesOf),
      });
    }
  }
}

function expectRefusal(error) {
  if (error.code !== 'BAD_REQUEST' && error.code !== 'UNKNOWN_LOCK') throw error;
}

function trend(points, side) {
  const bytesPerCycle = slope(points.map((point) => [point.done, point[side]]));
  return {
    firstMiB: points[0][side] / 2 ** 20,
    lastMiB: points.at(-1)[side] / 2 ** 20,
    slopeBytesPerCycle: bytesPerCycle,
  };
}

function residentBytes(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}

function filesOf(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}
