import test from 'ava';

import { checkList } from '../../../src/coordinator/list/check.js';
import { ListError } from '../../../src/coordinator/list/error.js';
import { repairList } from '../../../src/coordinator/list/repair.js';
import { MemoryDisk } from './memory-disk.js';
import { dropped, held, intent, openOn, PATH } from './setting.js';

const NOW = 1_790_000_000_000;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function listOnDisk() {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  await list.reserveGenerations(0);
  await list.append([intent(1), held(1), intent(2), dropped(2), intent(3)]);
  await list.close();
  return disk;
}

const repair = (disk: MemoryDisk, lockspace: string | null = null) =>
  repairList({ file: PATH, lockspace, now: NOW, log: quiet, disk });

const codeOf = async (promise: Promise<unknown>) => {
  const thrown: unknown = await promise.then(() => null, (error: unknown) => error);
  return thrown instanceof ListError ? thrown.code : thrown;
};

test('a whole list is described and left alone, by a repair too', async (t) => {
  const disk = await listOnDisk();
  const before = disk.text(PATH);
  const check = await checkList(PATH, disk);
  t.like(check, { records: 6, problemCount: 0, tornAt: null, bytes: before.length });
  t.deepEqual(check.locks.map(({ lock, state }) => `${lock.id} ${state}`), ['1 held', '3 intent']);
  t.is((await repair(disk)).keptAside, null);
  t.is(disk.text(PATH), before);
  t.is(disk.files.size, 1);
});

test('each damaged line is named by number, byte, length and reason, and repaired', async (t) => {
  const disk = await listOnDisk();
  const lines = disk.text(PATH).split('\n');
  const at = lines.findIndex((line) => line.includes('vm-3'));
  const offset = lines.slice(0, at).join('\n').length + 1;
  const damaged = disk.text(PATH).replace('vm-3', 'vm-X');
  disk.put(PATH, damaged);
  const { problems } = await checkList(PATH, disk);
  t.deepEqual(problems.map(({ line, offset: byte, bytes }) => [line, byte, bytes]),
    [[at + 1, offset, lines[at]?.length]]);
  t.is(problems[0]?.what, 'is damaged: its checksum does not fit');
  const { keptAside } = await repair(disk);
  t.is(disk.text(keptAside ?? ''), damaged);
  const after = await checkList(PATH, disk);
  t.is(after.problemCount, 0);
  t.deepEqual(after.locks.map(({ lock }) => lock.id), [1]);
  t.is(after.generations, 1024);
});

test('a list that a process has is not touched, whatever is wrong with it', async (t) => {
  const disk = await listOnDisk();
  await openOn(disk);
  const damaged = disk.text(PATH).replace('vm-3', 'vm-X');
  disk.put(PATH, damaged);
  disk.done.length = 0;
  t.is(await codeOf(repair(disk)), 'IN_USE');
  t.is(disk.text(PATH), damaged);
  t.deepEqual(disk.done, []);
});

test('a lost header is repaired only when the lockspace is named', async (t) => {
  const disk = await listOnDisk();
  const damaged = disk.text(PATH).replace('holdfast-lock-list', 'h0ldfast-lock-list');
  disk.put(PATH, damaged);
  t.is(await codeOf(repair(disk)), 'BAD_HEADER');
  t.is(disk.text(PATH), damaged);
  t.is(disk.text((await repair(disk, 'holdfast')).keptAside ?? ''), damaged);
  const { found } = await openOn(disk);
  t.deepEqual(found.problems, []);
  t.is(found.bootId, 'boot-1');
  t.deepEqual(found.locks.map(({ lock }) => lock.id), [1, 3]);
});

for (const step of ['create', 'write', 'sync', 'link', 'rename'] as const) {
  test(`a repair in which ${step} fails leaves the list as it was`, async (t) => {
    const disk = await listOnDisk();
    const damaged = disk.text(PATH).replace('vm-3', 'vm-X');
    disk.put(PATH, damaged);
    disk.failing.set(step, 'EIO');
    t.is(await codeOf(repair(disk)), 'WRITE_FAILED');
    t.is(disk.text(PATH), damaged);
    disk.failing.clear();
    t.not((await repair(disk)).keptAside, null);
  });
}

test('a torn tail is no damage, and a repair cuts it off', async (t) => {
  const disk = await listOnDisk();
  disk.put(PATH, disk.text(PATH).slice(0, -5));
  const check = await checkList(PATH, disk);
  t.is(check.problemCount, 0);
  t.true((check.tornAt ?? -1) > 0);
  await repair(disk);
  t.is((await checkList(PATH, disk)).tornAt, null);
});

test('no file, and a file of a newer version, are refused without a trace', async (t) => {
  const disk = new MemoryDisk();
  t.is(await codeOf(checkList(PATH, disk)), 'READ_FAILED');
  t.is(await codeOf(repair(disk)), 'READ_FAILED');
  t.is(disk.files.size, 0);
});
