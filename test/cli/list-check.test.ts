import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.js';
import { openLockList } from '../../src/coordinator/list/index.js';
import { cli } from './fixture.js';
import { held, intent } from '../coordinator/list/setting.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function openList(t: ExecutionContext) {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-check-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const { list } = await openLockList({
    directory, bootId: 'boot-1', lockspace: 'holdfast', clock: systemClock, log: quiet,
  });
  await list.append([intent(1), held(1), intent(2)]);
  return { list, directory, file: join(directory, 'locks.jsonl') };
}

const check = (...argv: string[]) => cli('/nonexistent', 'list', 'check', ...argv);

test('a whole list gives 0, also while a daemon has it', async (t) => {
  const { list, file } = await openList(t);
  const open = await check(file);
  t.is(open.exitCode, 0);
  t.regex(open.stdout, /locks\.jsonl: whole\n.*lockspace holdfast.*\n.*3 records\nlocks: +2\n/);
  await list.close();
  t.is((await check(file, '--repair')).exitCode, 0);
});

test('damage gives 8 and is named; --repair keeps the old file and gives 0', async (t) => {
  const { list, file, directory } = await openList(t);
  await list.close();
  const damaged = (await readFile(file, 'utf8')).replace('vm-2', 'vm-X');
  await writeFile(file, damaged);
  const found = await check(file);
  t.is(found.exitCode, 8);
  t.regex(found.stdout, /line 4 \(byte \d+, \d+ bytes\) is damaged: its checksum does not fit/);
  const repaired = await check(file, '--repair', '--json');
  t.is(repaired.exitCode, 0);
  const { verdict, keptAside, problems } = JSON.parse(repaired.stdout) as
    { verdict: string; keptAside: string; problems: { line: number }[] };
  t.is(verdict, 'repaired');
  t.deepEqual(problems.map(({ line }) => line), [4]);
  t.is(await readFile(keptAside, 'utf8'), damaged);
  t.is((await check(file)).exitCode, 0);
  t.is((await readdir(directory)).length, 3, 'the list, its lock, and what is kept');
});

test('--repair of a list that a daemon has gives 1 and changes nothing', async (t) => {
  const { list, file } = await openList(t);
  const damaged = (await readFile(file, 'utf8')).replace('vm-2', 'vm-X');
  await writeFile(file, damaged);
  const refused = await check(file, '--repair');
  t.is(refused.exitCode, 1);
  t.regex(refused.stderr, /another process has the lock list/);
  t.is(await readFile(file, 'utf8'), damaged);
  await list.close();
});

test('what is no list, or not there, is told by the exit status', async (t) => {
  const { list, file, directory } = await openList(t);
  await list.close();
  t.is((await check(join(directory, 'none'))).exitCode, 7);
  t.is((await check()).exitCode, 2);
  await writeFile(file, 'something else\n');
  t.is((await check(file)).exitCode, 8);
  t.is((await check(file, '--repair')).exitCode, 2);
  t.is((await cli('/nonexistent', '--json', 'list', 'check', file)).stdout[0], '{');
});
