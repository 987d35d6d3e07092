import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import test, { type ExecutionContext } from 'ava';

import { systemClock } from '../../../src/clock.js';
import { ListError } from '../../../src/coordinator/list/error.js';
import { openLockList } from '../../../src/coordinator/list/open.js';
import { held, intent } from './setting.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function directoryOf(t: ExecutionContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-list-'));
  t.teardown(() => rm(parent, { recursive: true }));
  return join(parent, 'state');
}

const openIn = (directory: string) => openLockList({
  directory, bootId: 'boot-1', lockspace: 'holdfast', clock: systemClock, log: quiet,
});

/** A process of its own that opens the list, says so, and waits to be killed. */
function startHolder(t: ExecutionContext, directory: string) {
  const script = `
    const { openLockList } = await import(${JSON.stringify(import.meta.resolve(
      '../../../src/coordinator/list/open.js'))});
    const { systemClock } = await import(${JSON.stringify(import.meta.resolve(
      '../../../src/clock.js'))});
    const { list } = await openLockList({
      directory: ${JSON.stringify(directory)}, bootId: 'boot-1', lockspace: 'holdfast',
      clock: systemClock, log: { info() {}, warn() {}, error() {} },
    });
    await list.append([${JSON.stringify(intent(1))}, ${JSON.stringify(held(1))}]);
    process.stdout.write('open');
    setInterval(() => list.failure, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

test('what was appended is found again, in files that only the owner reads', async (t) => {
  const directory = await directoryOf(t);
  const { list } = await openIn(directory);
  await list.append([intent(1), held(1)]);
  await list.append([intent(2)]);
  await list.close();
  t.is((await stat(directory)).mode & 0o777, 0o700);
  t.is((await stat(join(directory, 'locks.jsonl'))).mode & 0o777, 0o600);
  const again = await openIn(directory);
  t.deepEqual(again.found.locks.map(({ lock, state }) => `${lock.id} ${state}`), [
    '1 held', '2 intent',
  ]);
  await again.list.close();
});

test('a damaged file is kept aside byte for byte', async (t) => {
  const directory = await directoryOf(t);
  const { list } = await openIn(directory);
  await list.append([intent(1)]);
  await list.append([intent(2)]);
  await list.close();
  const path = join(directory, 'locks.jsonl');
  const damaged = (await readFile(path, 'utf8')).replace('vm-1', 'vm-9');
  await writeFile(path, damaged);
  const again = await openIn(directory);
  t.deepEqual(again.found.locks.map(({ lock }) => lock.id), [2]);
  t.is(await readFile(again.found.keptAside ?? '', 'utf8'), damaged);
  await again.list.close();
});

test('one process cannot open a list twice, and can again after closing it', async (t) => {
  const directory = await directoryOf(t);
  const { list } = await openIn(directory);
  const error = await t.throwsAsync(openIn(directory), { instanceOf: ListError });
  t.is(error.code, 'IN_USE');
  await list.close();
  const again = await openIn(directory);
  await again.list.close();
});

test('a living process keeps the list for itself; a killed one leaves it, whole', async (t) => {
  const directory = await directoryOf(t);
  const child = startHolder(t, directory);
  await once(child.stdout, 'data');
  const error = await t.throwsAsync(openIn(directory), { instanceOf: ListError });
  t.is(error.code, 'IN_USE');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { list, found } = await openIn(directory);
  t.deepEqual(found.locks.map(({ lock, state }) => `${lock.id} ${state}`), ['1 held']);
  await list.close();
});

test('a file in the place of the directory is refused', async (t) => {
  const directory = await directoryOf(t);
  await writeFile(directory, 'a file');
  const error = await t.throwsAsync(openIn(directory), { instanceOf: ListError });
  t.is(error.code, 'CLAIM_FAILED');
});

test('a list whose file is removed under it is told, and written anew', async (t) => {
  const directory = await directoryOf(t);
  const { list } = await openIn(directory);
  t.teardown(() => list.close());
  const told: string[] = [];
  list.watch((condition) => {
    told.push(condition.kind === 'failed' ? condition.error.message : condition.kind);
  });
  await list.append([intent(1), held(1)]);
  await rm(join(directory, 'locks.jsonl'));
  const endMs = Date.now() + 30_000;
  while (told.length < 3 && Date.now() < endMs) await setTimeout(20);
  t.regex(told[1] ?? '', /somebody has removed its name/);
  t.is(told[2], 'well');
  t.regex(await readFile(join(directory, 'locks.jsonl'), 'utf8'), /"held"/);
});
