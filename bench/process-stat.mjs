import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * CPU time in s of a process and all its descendants: while they lived (`living`), and of children
 * that have ended and were waited for (`ended`). @see proc(5), /proc/PID/stat
 */
export function cpuSeconds(pid) {
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) keep(all, Number(name));
  }
  const ticks = { living: 0, ended: 0 };
  const pending = [pid];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    ticks.living += all.get(next)?.living ?? 0;
    ticks.ended += all.get(next)?.ended ?? 0;
    for (const [child, { parent }] of all) if (parent === next) pending.push(child);
  }
  return { living: ticks.living / TICKS_PER_SECOND, ended: ticks.ended / TICKS_PER_SECOND };
}

function keep(all, pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, blanks and parentheses too.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // utime, stime and those of children that have been waited for: fields 14 to 17.
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
    all.set(pid, {
      parent: Number(fields[1]), living: user + system, ended: endedUser + endedSystem,
    });
  } catch (error) {
    // It has ended since the directory was read.
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
  }
}
