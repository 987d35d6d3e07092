import test from 'ava';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../src/clock.js';
import { FakeClock } from '../support/fake-clock.js';
import { KILL_GRACE_MS, OUTPUT_BYTES_MAX, runProgram } from '../../src/reactions/run-program.js';

const NEVER = new AbortController().signal;

function sh(script: string, timeoutMs = 20_000, signal = NEVER) {
  const run = { command: ['/bin/sh', '-c', script], input: '{"a":1}', env: { X: 'y' }, timeoutMs };
  return runProgram(run, systemClock, signal);
}

/** Nobody may be there to reap what was killed. */
async function isAlive(pid: number): Promise<boolean> {
  for (let turn = 0; turn < 500; turn += 1) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
    if (/\) [ZX]/.test(stat)) return false;
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
  return true;
}

test('a program reads its input and environment, and what it says is kept', async (t) => {
  const end = await sh('read -r line; echo "$line $X"; echo err >&2');
  t.is(end.failure, null);
  t.regex(end.output, /\{"a":1\} y/);
  t.regex(end.output, /err/);
});

test('an exit code and a signal are told', async (t) => {
  t.is((await sh('exit 3')).failure, 'ended with exit code 3');
  t.is((await sh('kill -KILL $$')).failure, 'was killed by SIGKILL');
});

test('a program that does not exist is told', async (t) => {
  const run = { command: ['/nonexistent/x'], input: '', env: {}, timeoutMs: 1_000 };
  t.regex((await runProgram(run, systemClock, NEVER)).failure ?? '', /cannot be started.*ENOENT/);
});

test('a command line that is too long for the kernel is told too', async (t) => {
  const run = { command: ['/bin/true', 'x'.repeat(1 << 20)], input: '', env: {}, timeoutMs: 1_000 };
  t.regex((await runProgram(run, systemClock, NEVER)).failure ?? '', /cannot be started.*E2BIG/);
});

test('what takes too long is ended with all that it started', async (t) => {
  const end = await sh('sleep 600 & echo $!; wait', 300);
  t.is(end.failure, 'took longer than 0.3 s and was ended');
  const grandchild = Number(end.output);
  t.true(grandchild > 1);
  t.false(await isAlive(grandchild));
});

test('it is ended when the daemon stops', async (t) => {
  const ending = new AbortController();
  const run = sh('echo started; sleep 600', 600_000, ending.signal);
  ending.abort();
  t.is((await run).failure, 'was ended because the daemon stops');
});

test('endless output neither fills the memory nor stops the program', async (t) => {
  const end = await sh(`head -c ${4 * OUTPUT_BYTES_MAX} /dev/zero | tr '\\0' x`);
  t.is(end.failure, null);
  t.true(Buffer.byteLength(end.output) <= OUTPUT_BYTES_MAX + 100);
  t.regex(end.output, /and more, which is not kept/);
});

test('a grandchild that keeps the output open does not keep the reaction from ending', async (t) => {
  const end = await sh('sleep 20 & echo $!');
  t.is(end.failure, null);
  process.kill(Number(end.output), 'SIGKILL');
});

test('what ignores SIGTERM after its parent has heeded it is killed too', async (t) => {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const script = '(trap "" TERM; echo ready; while :; do sleep 0.1; done) & echo $!; wait';
  const run = { command: ['/bin/sh', '-c', script], input: '', env: {}, timeoutMs: 60_000 };
  const end = runProgram(run, clock, stopping.signal);
  await new Promise((resolve) => void setTimeout(resolve, 500));
  stopping.abort();
  await new Promise((resolve) => void setTimeout(resolve, 200));
  await clock.advance(500);
  await clock.advance(KILL_GRACE_MS);
  const { output } = await end;
  t.false(await isAlive(Number(output.split('\n').find((line) => /^\d+$/.test(line)))));
});
