import test from 'ava';

import { ListError } from '../../../src/coordinator/list/error.js';
import { GENERATION_MAX, GENERATIONS_BLOCK } from '../../../src/coordinator/list/generations.js';
import { LIST_MINOR } from '../../../src/coordinator/list/shape.js';
import { sealLine } from '../../../src/coordinator/list/line.js';
import { repairList } from '../../../src/coordinator/list/repair.js';
import { MemoryDisk } from './memory-disk.js';
import { dropped, intent, openOn, PATH, settle } from './setting.js';

const codeOf = async (promise: Promise<unknown>) => {
  const thrown: unknown = await promise.then(() => null, (error: unknown) => error);
  return thrown instanceof ListError ? thrown.code : thrown;
};

test('a block is above what is known and above every block before', async (t) => {
  const { list } = await openOn(new MemoryDisk());
  t.deepEqual(await list.reserveGenerations(0), { first: 1, last: GENERATIONS_BLOCK });
  t.is((await list.reserveGenerations(0)).first, GENERATIONS_BLOCK + 1);
  t.is((await list.reserveGenerations(1_000_000)).first, 1_000_001);
  const two = await Promise.all([list.reserveGenerations(5), list.reserveGenerations(5)]);
  t.true((two[1]?.first ?? 0) > (two[0]?.last ?? Number.POSITIVE_INFINITY));
});

test('a block resolves only after its mark is synced', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  let open: () => void = () => undefined;
  disk.gates.set('sync', new Promise((resolve) => { open = resolve; }));
  let given = false;
  const block = list.reserveGenerations(0).then(() => { given = true; });
  await settle();
  t.true(disk.text(PATH).includes('"generations"'), 'it is written');
  t.false(given);
  await list.append([intent(1)]);
  t.false(given, 'and no append waits for the sync');
  open();
  await block;
  t.true(given);
});

test('blocks rise over restarts, reboots, compaction and a change of lockspace', async (t) => {
  const disk = new MemoryDisk();
  let last = 0;
  for (const change of [{}, { bootId: 'boot-2' }, { lockspace: 'other' }, { deadLinesMax: 5 }]) {
    const { list, found } = await openOn(disk, change);
    t.deepEqual(found.generations, { upTo: last, certain: true });
    const block = await list.reserveGenerations(0);
    t.is(block.first, last + 1);
    last = block.last;
    for (let id = 1; id < 9; id += 1) await list.append([intent(id), dropped(id)]);
    await settle();
    await list.close();
  }
});

test('a block whose write or sync failed is never given again', async (t) => {
  const disk = new MemoryDisk();
  const { list, clock } = await openOn(disk);
  for (const [step, code] of [['sync', 'WRITE_FAILED'], ['write', 'WRITE_FAILED']] as const) {
    disk.failing.set(step, 'EIO');
    t.is(await codeOf(list.reserveGenerations(0)), code);
    disk.failing.clear();
    await clock.fire();
  }
  t.true((await list.reserveGenerations(0)).first > 2 * GENERATIONS_BLOCK);
});

test('a mark that came in during a compaction is synced before the new file is renamed', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk, { deadLinesMax: 4 });
  let open: () => void = () => undefined;
  for (let id = 1; id < 4; id += 1) await list.append([intent(id), dropped(id)]);
  disk.gates.set('sync', new Promise((resolve) => { open = resolve; }));
  await list.append([intent(9)]);
  const block = list.reserveGenerations(0);
  await settle();
  disk.done.length = 0;
  open();
  await block;
  await settle();
  const renamed = disk.done.findIndex((line) => line.startsWith('rename'));
  const written = disk.done.lastIndexOf(`write ${PATH}.new`, renamed);
  const synced = disk.done.lastIndexOf(`sync ${PATH}.new`, renamed);
  t.true(renamed > 0 && written >= 0 && synced > written, disk.done.join(', '));
});

test('numbers that JSON cannot say exactly are refused', async (t) => {
  const { list } = await openOn(new MemoryDisk());
  for (const above of [GENERATION_MAX, -1, 1.5, Number.NaN]) {
    t.is(await codeOf(list.reserveGenerations(above)), 'BAD_RECORD');
  }
  t.is((await list.reserveGenerations(0)).first, 1);
});

test('after damage the mark is said to be uncertain', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  await list.reserveGenerations(0);
  await list.reserveGenerations(0);
  await list.append([intent(1)]);
  await list.close();
  disk.put(PATH, disk.text(PATH).replace(`"upTo":${2 * GENERATIONS_BLOCK}`, '"upTo":9999'));
  const { found, list: first } = await openOn(disk);
  t.deepEqual(found.generations, { upTo: GENERATIONS_BLOCK, certain: false });
  await first.close();
  const { found: again, list: second } = await openOn(disk);
  t.deepEqual(again.generations, { upTo: GENERATIONS_BLOCK, certain: false }, 'also after a rewrite');
  await second.reserveGenerations(1_000_000);
  await second.close();
  const { found: raised } = await openOn(disk);
  t.deepEqual(raised.generations, { upTo: 1_000_000 + GENERATIONS_BLOCK, certain: true });
});

test('after a repair the mark is said to be uncertain', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  await list.reserveGenerations(0);
  await list.append([intent(1)]);
  await list.close();
  disk.put(PATH, disk.text(PATH).replace('"upTo":1024', '"upTo":9999'));
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const { keptAside } = await repairList({ file: PATH, lockspace: null, now: 1, log, disk });
  t.not(keptAside, null);
  const { found } = await openOn(disk);
  t.deepEqual(found.problems, []);
  t.deepEqual(found.generations, { upTo: 0, certain: false });
});

test('a version without generations keeps their line, as of any newer minor version', async (t) => {
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  await list.reserveGenerations(0);
  const line = disk.text(PATH).split('\n').find((text) => text.includes('"generations"')) ?? '';
  await list.close();
  t.is(line, sealLine({ kind: 'generations', at: 1_790_000_000_000, upTo: GENERATIONS_BLOCK }));
  t.regex(disk.text(PATH), new RegExp(`"minor":${LIST_MINOR}`));
});
