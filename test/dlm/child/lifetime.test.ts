import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { endOnceQuiet, FAREWELL_MS_MAX } from '../../../src/dlm/child/lifetime.js';

const PARENT = fileURLToPath(new URL('./late-kernel-parent.js', import.meta.url));
const PATIENCE_MS = 20_000;

/** A daemon whose child has asked the kernel for something and has no answer yet. */
async function setUp(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const file = join(folder, 'calls');
  const parent = spawn(process.execPath, [PARENT, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids: number[] = [];
  t.teardown(async () => {
    parent.kill('SIGKILL');
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true });
  });
  const [line] = await once(parent.stdout, 'data') as [Buffer];
  const child = Number(line);
  pids.push(child);
  const calls = async (): Promise<string> => readFile(file, 'utf8').catch(() => '');
  await until(async () => (await calls()) !== '');
  const killParent = async (): Promise<void> => {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  };
  return { child, calls, killParent };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!await isTrue()) {
    if (performance.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms in vain`);
    await delay(5);
  }
}

test('a child whose daemon is killed ends after the answers that are on their way', async (t) => {
  const { child, calls, killParent } = await setUp(t);
  await killParent();
  await until(() => !isAlive(child));
  t.is(await calls(), 'asked\nanswered\n', 'the answer was awaited, and nothing more was asked');
});

test('a stopped child goes on when its daemon is killed, and ends', async (t) => {
  const { child, killParent } = await setUp(t);
  process.kill(child, 'SIGSTOP');
  await killParent();
  await until(() => !isAlive(child));
  t.pass();
});

test('a signal to the whole group of processes does not end it before its daemon', async (t) => {
  const { child, calls, killParent } = await setUp(t);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child, signal);
  await until(async () => (await calls()).includes('answered'));
  t.true(isAlive(child));
  await killParent();
  await until(() => !isAlive(child));
});

test('it ends at once when nothing is on its way', async (t) => {
  const startMs = performance.now();
  await new Promise<void>((resolve) => endOnceQuiet(() => true, resolve));
  t.true(performance.now() - startMs < FAREWELL_MS_MAX);
});

test('it does not wait for ever for what nobody answers', async (t) => {
  let looks = 0;
  const neverQuiet = (): boolean => {
    looks += 1;
    return false;
  };
  await new Promise<void>((resolve) => endOnceQuiet(neverQuiet, resolve));
  t.true(looks > 1);
});
