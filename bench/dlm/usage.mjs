import { readFileSync } from 'node:fs';

/** Ticks of a processor's clock in a second, for times of proc(5). */
const TICKS_PER_SECOND = 100;

/**
 * What the machine and some of its processes have used since boot: take two and give them to
 * `usedBetween`. `processes` is a record of pids by the name of their part.
 */
export function usageOf(processes) {
  const machine = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1).map(Number);
  const parts = Object.entries(processes).map(([part, pid]) => [part, processUsage(pid)]);
  return { idleTicks: machine[3] + machine[4], ticks: sum(machine.slice(0, 8)), parts };
}

/** The share of the machine that was idle, and what each part cost by pair of take and unlock. */
export function usedBetween(before, after, pairs) {
  const used = { idleShare: (after.idleTicks - before.idleTicks) / (after.ticks - before.ticks) };
  after.parts.forEach(([part, now], index) => {
    const [, then] = before.parts[index];
    used[part] = {
      userUs: usOf(now.userTicks - then.userTicks) / pairs,
      kernelUs: usOf(now.kernelTicks - then.kernelTicks) / pairs,
      switches: (now.switches - then.switches) / pairs,
      preempted: (now.preempted - then.preempted) / pairs,
    };
  });
  return used;
}

/** The main thread's; it is the one that works. */
function processUsage(pid) {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8');
  const switches = (kind) => Number(new RegExp(`^${kind}_ctxt_switches:\\s+(\\d+)`, 'm').exec(status)[1]);
  return {
    userTicks: Number(fields[11]), kernelTicks: Number(fields[12]),
    switches: switches('voluntary'), preempted: switches('nonvoluntary'),
  };
}

function usOf(ticks) {
  return ticks / TICKS_PER_SECOND * 1_000_000;
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
