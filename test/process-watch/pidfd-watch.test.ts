import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import test, { type ExecutionContext } from 'ava';

import { systemClock } from '../../src/clock.js';
import {
  openProcessWatch, ProcessWatchError, type ProcessWatchErrorCode,
} from '../../src/process-watch/index.js';
import type { PidfdCalls } from '../../src/process-watch/native.js';
import { PidfdWatch } from '../../src/process-watch/pidfd-watch.js';

// What is open is counted, so the tests of this file run one after another.
const watch = await openProcessWatch();

function startSleep(t: ExecutionContext): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  if (child.pid === undefined) throw new Error('sleep did not start');
  return child as ChildProcess & { pid: number };
}

async function identify(pid: number) {
  const identity = await watch.identify(pid);
  if (identity === null) throw new Error(`no process ${pid}`);
  return identity;
}

function pidfdCount(): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).includes('pidfd')).length;
}

/** Empty for the descriptor that read the directory, and for others closed since. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

// A watch does not keep the loop alive: a daemon that stops must not wait for its owners.
const alive = setInterval(() => undefined, 1_000);
test.after.always(() => clearInterval(alive));

test.serial('the end of a watched process is told once', async (t) => {
  const before = pidfdCount();
  const child = startSleep(t);
  let calls = 0;
  const watched = watch.watch(await identify(child.pid), () => (calls += 1));
  await delay(100);
  t.is(calls, 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await delay(100);
  t.is(calls, 1);
  watched.close();
  t.is(pidfdCount(), before);
});

test.serial('a process that has ended already is told in a later turn', async (t) => {
  const child = startSleep(t);
  const identity = await identify(child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  let calls = 0;
  watch.watch(identity, () => (calls += 1));
  t.is(calls, 0);
  await delay(50);
  t.is(calls, 1);
  t.is(await watch.identify(child.pid), null);
});

test.serial('a pid that belongs to another process by now counts as ended', async (t) => {
  const before = pidfdCount();
  const child = startSleep(t);
  const { pid, startTime } = await identify(child.pid);
  const ended = new Promise<void>((resolve) => {
    watch.watch({ pid, startTime: startTime - 1 }, resolve);
  });
  await t.notThrowsAsync(ended);
  t.is(pidfdCount(), before);
});

test.serial('a closed watch is silent and gives its descriptor back', async (t) => {
  const before = pidfdCount();
  const child = startSleep(t);
  const watched = watch.watch(await identify(child.pid), () => t.fail());
  t.is(pidfdCount(), before + 1);
  watched.close();
  watched.close();
  t.is(pidfdCount(), before);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await delay(50);
});

test.serial('one process can be watched several times', async (t) => {
  const child = startSleep(t);
  const identity = await identify(child.pid);
  const ended = [1, 2, 3].map(() => new Promise<void>((resolve) => {
    watch.watch(identity, resolve);
  }));
  child.kill('SIGKILL');
  await Promise.all(ended);
  t.pass();
});

test.serial('many watches that end at once are all told, and leave nothing open', async (t) => {
  const before = pidfdCount();
  const children = Array.from({ length: 50 }, () => startSleep(t));
  const ended = children.map(async (child) => {
    const identity = await identify(child.pid);
    await new Promise<void>((resolve) => watch.watch(identity, resolve));
  });
  await delay(50);
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(ended);
  t.is(pidfdCount(), before);
});

test.serial('nonsense for a pid is nobody', async (t) => {
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) {
    t.is(await watch.identify(pid), null);
    await new Promise<void>((resolve) => watch.watch({ pid, startTime: 1 }, resolve));
  }
});

type ErrnoCase = [name: string, errno: number, code: ProcessWatchErrorCode, retryable: boolean];

const ERRNOS: readonly ErrnoCase[] = [
  ['EMFILE', 24, 'LIMIT', true],
  ['ENFILE', 23, 'LIMIT', true],
  ['ENOSYS', 38, 'UNSUPPORTED', false],
  ['EPERM', 1, 'SYSTEM', false],
];

for (const [name, errno, code, retryable] of ERRNOS) {
  test.serial(`${name} of pidfd_open is thrown as ${code}`, async (t) => {
    const self = await identify(process.pid);
    const failing = new PidfdWatch(fakeCalls({ pidfdOpen: () => -errno }), systemClock);
    const error = t.throws(() => failing.watch(self, () => t.fail()), {
      instanceOf: ProcessWatchError,
    });
    t.is(error.code, code);
    t.is(error.errno, errno);
    t.is(error.retryable, retryable);
  });
}

test.serial('a watch that gets the last descriptor and cannot look with it gives it back', async (t) => {
  const script = `
    import { closeSync, openSync } from 'node:fs';
    const { openProcessWatch } = await import(${JSON.stringify(import.meta.resolve(
      '../../src/process-watch/index.js'))});
    const watch = await openProcessWatch();
    const self = await watch.identify(process.pid);
    const opened = [];
    const fill = () => {
      try { for (;;) opened.push(openSync('/dev/null')); } catch (error) { return error.code; }
    };
    const said = { filled: fill() };
    closeSync(opened.pop());
    for (const name of ['watch', 'again']) {
      try { watch.watch(self, () => undefined); } catch (error) { said[name] = error.code; }
    }
    closeSync(openSync('/dev/null'));
    fill();
    said.identify = await watch.identify(process.pid).catch((error) => error.code);
    closeSync(opened.pop());
    process.stdout.write(JSON.stringify(said));
  `;
  const { stdout } = await promisify(execFile)(
    'prlimit', ['--nofile=100:100', process.execPath, '--input-type=module', '-e', script],
    { timeout: 60_000 },
  );
  t.deepEqual(JSON.parse(stdout), {
    filled: 'EMFILE', watch: 'LIMIT', again: 'LIMIT', identify: 'LIMIT',
  });
});

test.serial('after a failed poll the process is watched again', async (t) => {
  const self = await identify(process.pid);
  const clock = fakeClock();
  const opened: number[] = [];
  const ready: ((status: number) => void)[] = [];
  const calls = fakeCalls({
    pidfdOpen: () => (clock.fired === 1 ? -24 : opened.push(opened.length) - 1),
    poll: (_fd, callback) => {
      ready.push(callback);
      return { close: () => undefined };
    },
  });
  let ends = 0;
  new PidfdWatch(calls, clock).watch(self, () => (ends += 1));
  ready[0]?.(-9);
  t.is(opened.length, 1);
  clock.fire();
  t.is(opened.length, 1, 'out of descriptors: tried again later');
  clock.fire();
  t.is(opened.length, 2);
  t.is(ends, 0);
  ready[1]?.(0);
  await delay(10);
  t.is(ends, 1);
});

function fakeClock() {
  let armed: (() => void) | null = null;
  const clock = {
    fired: 0,
    now: () => 0,
    monotonic: () => 0,
    setTimer: (_delayMs: number, callback: () => void) => {
      armed = callback;
      return { cancel: () => (armed = null) };
    },
    fire: () => {
      clock.fired += 1;
      armed?.();
    },
  };
  return clock;
}

function fakeCalls(change: Partial<PidfdCalls>): PidfdCalls {
  return {
    pidfdOpen: () => -3,
    close: () => undefined,
    poll: () => ({ close: () => undefined }),
    ...change,
  };
}
