import test from 'ava';

import { readList } from '../../../src/coordinator/list/read.js';
import { createRandom } from '../../../src/embedded/random.js';
import { chooseSeed } from '../../support/property-seed.js';
import { MemoryDisk } from './memory-disk.js';
import { tryListPoints } from './list-points.js';
import { held, intent, openOn, PATH } from './setting.js';

/** The simulation tries many more; these few keep the unit level fast. */
const POINTS_MIN = 2_500;

test('after a crash at every byte and step the list is that of some moment that was', async (t) => {
  const { process, power, wrong } = await tryListPoints(createRandom(chooseSeed(t)), POINTS_MIN);
  t.log(`${process} process crashes, ${power} power cuts`);
  t.is(wrong, null);
  t.true(process > 0 && power > 0);
});

test('flipped bits anywhere are seen, and what is read is made of lines that were written', async (t) => {
  const seed = chooseSeed(t);
  const random = createRandom(seed);
  const disk = new MemoryDisk();
  const { list } = await openOn(disk);
  for (let id = 1; id <= 6; id += 1) await list.append([intent(id), held(id)]);
  const whole = Buffer.from(disk.text(PATH));
  const runs = Math.ceil(POINTS_MIN / 4);
  for (let run = 0; run < runs; run += 1) {
    const bytes = Buffer.from(whole);
    const flips = 1 + Math.floor(random() * 4);
    for (let flip = 0; flip < flips; flip += 1) {
      const at = Math.floor(random() * bytes.byteLength);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    }
    if (bytes.equals(whole)) continue;
    const { problems, tornAt, table } = readList(bytes, PATH);
    const seen = problems.length > 0 || tornAt !== null;
    const known = table.lines().every((line) => whole.includes(`${line}\n`));
    if (!seen || !known) t.fail(`seed ${seed}, run ${run}: seen ${seen}, known ${known}`);
  }
  t.log(`${runs} files with flipped bits`);
  t.pass();
});
