import test from 'ava';

import { ListError } from '../../../src/coordinator/list/error.js';
import { SYNC_DELAY_MS } from '../../../src/coordinator/list/background-sync.js';
import { REPAIR_DELAY_MS } from '../../../src/coordinator/list/repair-pace.js';
import { MemoryDisk } from './memory-disk.js';
import { dropped, held, intent, listedIn, openOn, PATH, settle } from './setting.js';

const codeOf = async (promise: Promise<unknown>) => {
  const thrown: unknown = await promise.then(() => null, (error: unknown) => error);
  return thrown instanceof ListError ? thrown.code : thrown;
};

/** What a process started now would find. */
const listedOn = async (disk: MemoryDisk) => (await listedIn(disk.text(PATH))).states;

test('appends of one turn are one write, in the order of the calls', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  disk.done.length = 0;
  await Promise.all([
    list.append([intent(1)]), list.append([held(1), intent(2)]), list.append([dropped(1)]),
  ]);
  t.deepEqual(disk.done, [`write ${PATH}.new`]);
  t.deepEqual(await listedOn(disk), ['2 intent']);
});

test('an append resolves before any sync, and one sync follows for all', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock } = await openOn(disk);
  disk.done.length = 0;
  await list.append([intent(1)]);
  await list.append([intent(2)]);
  t.false(disk.done.some((line) => line.startsWith('sync')));
  t.deepEqual(clock.timers.map((timer) => timer.delayMs), [SYNC_DELAY_MS]);
  await clock.fire();
  t.is(disk.done.filter((line) => line.startsWith('sync')).length, 1);
  t.is(clock.timers.length, 0);
});

test('a disk that takes a write in parts gets all of it', async (t) => {
  const disk = new MemoryDisk();
  disk.writeBytesMax = 7;
  const { list } = await openOn(disk);
  await list.append([intent(1), held(1)]);
  t.deepEqual(await listedOn(disk), ['1 held']);
});

test('a full disk rejects the append, takes its part back, and works again later', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  await list.append([intent(1)]);
  const before = disk.text(PATH);
  for (let space = 0; space < 120; space += 5) {
    disk.spaceBytes = space;
    t.is(await codeOf(list.append([intent(2)])), 'NO_SPACE');
    t.is(disk.text(PATH), before);
    t.is(list.failure?.code, 'NO_SPACE');
  }
  disk.spaceBytes = Number.POSITIVE_INFINITY;
  await list.append([intent(2), held(1)]);
  t.is(list.failure, null);
  t.deepEqual(await listedOn(disk), ['1 held', '2 intent']);
});

test('when a part cannot be taken back the file is replaced before the next append', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock } = await openOn(disk);
  await list.append([intent(1)]);
  disk.spaceBytes = 20;
  disk.failing.set('truncate', 'EIO');
  t.is(await codeOf(list.append([intent(2)])), 'NO_SPACE');
  t.is(list.failure?.code, 'NO_SPACE');
  t.deepEqual(await listedOn(disk), ['1 intent'], 'the rest is a torn tail');
  t.is(await codeOf(list.append([intent(2)])), 'NO_SPACE');
  disk.spaceBytes = Number.POSITIVE_INFINITY;
  await clock.fire();
  await list.append([intent(3)]);
  t.is(list.failure, null);
  t.deepEqual((await listedIn(disk.text(PATH))).found.problems, []);
  t.deepEqual(await listedOn(disk), ['1 intent', '3 intent']);
});

test('after EIO of a write the file is replaced before the next append', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock } = await openOn(disk);
  disk.failing.set('write', 'EIO');
  t.is(await codeOf(list.append([intent(1)])), 'WRITE_FAILED');
  t.is(list.failure?.code, 'WRITE_FAILED');
  t.is(await codeOf(list.append([intent(1)])), 'WRITE_FAILED');
  disk.failing.clear();
  t.is(await codeOf(list.append([intent(1)])), 'WRITE_FAILED', 'the old file is not trusted');
  await clock.fire();
  await list.append([intent(1)]);
  t.is(list.failure, null);
  t.deepEqual(await listedOn(disk), ['1 intent']);
});

test('a failed sync shows as a failure until a rewrite in the background succeeds', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock } = await openOn(disk);
  await list.append([intent(1)]);
  disk.failing.set('sync', 'EIO');
  await clock.fire();
  t.is(list.failure?.code, 'WRITE_FAILED');
  t.deepEqual(clock.timers.map((timer) => timer.delayMs), [REPAIR_DELAY_MS]);
  await clock.fire();
  t.is(list.failure?.code, 'WRITE_FAILED');
  disk.failing.clear();
  await clock.fire();
  t.is(list.failure, null);
  await list.append([held(1)]);
  t.deepEqual(await listedOn(disk), ['1 held']);
});

for (const step of ['create', 'write', 'sync', 'rename', 'syncDirectory'] as const) {
  test(`on a disk where ${step} fails the list opens, and works when the disk does`, async (t) => {
    const disk = new MemoryDisk();
    const first = await openOn(disk);
    await first.list.append([intent(1), held(1)]);
    await first.list.close();
    disk.failing.set(step, 'ENOSPC');
    const { list, found, clock } = await openOn(disk);
    t.deepEqual(found.locks.map(({ lock }) => lock.id), [1]);
    t.is(list.failure?.code, 'NO_SPACE');
    t.is(await codeOf(list.append([intent(2)])), 'NO_SPACE');
    t.deepEqual(await listedOn(disk), ['1 held']);
    disk.failing.clear();
    await clock.fire();
    await list.append([intent(3)]);
    t.deepEqual(await listedOn(disk), ['1 held', '3 intent']);
  });
}

test('a full disk is told once, and its end is found without an append', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock, logged } = await openOn(disk);
  const told: string[] = [];
  list.watch(({ kind }) => told.push(kind));
  disk.spaceBytes = 10;
  for (let id = 1; id < 20; id += 1) t.is(await codeOf(list.append([intent(id)])), 'NO_SPACE');
  for (let round = 0; round < 5; round += 1) await clock.fire();
  t.deepEqual(told, ['well', 'failed']);
  t.is(clock.timers.length, 1, 'one attempt at a time');
  disk.spaceBytes = Number.POSITIVE_INFINITY;
  await clock.fire();
  t.deepEqual(told, ['well', 'failed', 'well']);
  t.is(logged.filter((line) => line.includes('no space to write')).length, 1);
  t.is(clock.timers.length, 0);
});

test('a sick disk is not given a rewrite for every append that fails', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  disk.failing.set('write', 'EIO');
  const creates = () => disk.done.filter((line) => line.startsWith('create')).length;
  const before = creates();
  for (let id = 1; id < 50; id += 1) t.is(await codeOf(list.append([intent(id)])), 'WRITE_FAILED');
  t.is(creates(), before);
});

test('a failed sync after a long good time is answered by a rewrite at once', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock } = await openOn(disk);
  clock.monotonicMs = REPAIR_DELAY_MS;
  const told: string[] = [];
  list.watch(({ kind }) => told.push(kind));
  await list.append([intent(1)]);
  disk.failOnce('sync', 'EIO');
  const creates = () => disk.done.filter((line) => line.startsWith('create')).length;
  const before = creates();
  await clock.fire();
  t.deepEqual(told, ['well', 'failed', 'well']);
  t.is(creates(), before + 1, 'in a new file: the pages of the old one may be marked clean');
  await list.append([held(1)]);
  t.deepEqual(await listedOn(disk), ['1 held']);
});

test('a sync that hangs is told, takes one thread, and does not hold up appends', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock, logged } = await openOn(disk);
  const told: string[] = [];
  list.watch(({ kind }) => told.push(kind));
  let open: () => void = () => undefined;
  disk.gates.set('sync', new Promise((resolve) => { open = resolve; }));
  const begun = () => disk.begun.filter((line) => line.startsWith('sync')).length;
  const before = begun();
  for (let id = 1; id < 10; id += 1) {
    await list.append([intent(id)]);
    await clock.fire();
  }
  t.deepEqual(told, ['well', 'unsynced']);
  t.is(begun(), before + 1);
  t.is(logged.filter((line) => line.includes('has not ended a sync within 10 s')).length, 1);
  disk.gates.clear();
  open();
  await settle();
  t.deepEqual(told, ['well', 'unsynced', 'well']);
  await clock.fire();
  t.is(begun(), before + 2, 'what was written meanwhile is synced after it');
});

test('an append that contradicts the list is refused alone, none of it is written', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  const results = await Promise.all([
    codeOf(list.append([intent(1)])),
    codeOf(list.append([intent(2), intent(1)])),
    codeOf(list.append([held(7)])),
    codeOf(list.append([intent(2)])),
  ]);
  t.deepEqual(results, [null, 'BAD_RECORD', 'BAD_RECORD', null]);
  t.deepEqual(await listedOn(disk), ['1 intent', '2 intent']);
});

test('dead lines are compacted away, and appends go on meanwhile', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk, { deadLinesMax: 20 });
  await list.append([intent(1), held(1)]);
  for (let id = 100; id < 110; id += 1) await list.append([intent(id), dropped(id)]);
  let open: () => void = () => undefined;
  disk.gates.set('sync', new Promise((resolve) => { open = resolve; }));
  await list.append([intent(2)]);
  await list.append([intent(3)]);
  await list.append([held(3), dropped(1)]);
  t.true(disk.text(PATH).split('\n').length > 20, 'the rewrite is still being prepared');
  t.deepEqual(await listedOn(disk), ['2 intent', '3 held']);
  open();
  await settle();
  await list.append([intent(4)]);
  t.deepEqual(await listedOn(disk), ['2 intent', '3 held', '4 intent']);
  t.true(disk.text(PATH).split('\n').length < 12);
});

test('a compaction that fails costs nothing and is tried again later', async (t) => {
  const disk = new MemoryDisk();
  const { list, logged } = await openOn(disk, { deadLinesMax: 10 });
  disk.failing.set('create', 'ENOSPC');
  for (let id = 1; id < 8; id += 1) await list.append([intent(id), dropped(id)]);
  await settle();
  t.true(logged.some((line) => line.includes('could not be compacted')));
  t.is(list.failure, null);
  disk.failing.clear();
  for (let id = 1; id < 20; id += 1) await list.append([intent(id), dropped(id)]);
  await settle();
  t.true(disk.text(PATH).split('\n').length < 30);
  t.deepEqual(await listedOn(disk), []);
});

test('close waits for the appends and syncs; later appends are refused', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock } = await openOn(disk);
  disk.done.length = 0;
  const append = list.append([intent(1)]);
  await list.close();
  await list.close();
  await t.notThrowsAsync(append);
  t.deepEqual(disk.done, [`write ${PATH}.new`, `sync ${PATH}.new`]);
  t.is(await codeOf(list.append([intent(2)])), 'CLOSED');
  t.is(clock.timers.length, 0);
  t.deepEqual((await openOn(disk)).found.locks.map(({ lock }) => lock.id), [1]);
});

test('a list that is open is not opened a second time', async (t) => {
  const disk = new MemoryDisk();
  await openOn(disk);
  t.is(await codeOf(openOn(disk)), 'IN_USE');
});
