import test from 'ava';

import { createRandom } from '../../src/embedded/index.js';
import { tryListPoints } from '../coordinator/list/list-points.js';
import { chooseSeed } from '../support/property-seed.js';

const POINTS_MIN = Number(process.env['HOLDFAST_LIST_POINTS'] ?? 65_000);
const PARTS = 5;

for (let part = 1; part <= PARTS; part += 1) {
  test.serial(`the list is that of some moment that was, wherever a crash comes, part ${part}`, async (t) => {
    const random = createRandom(chooseSeed(t));
    const { process, power, wrong } = await tryListPoints(random, POINTS_MIN / PARTS);
    t.log(`${process + power} points: ${process} process crashes, ${power} power cuts`);
    t.is(wrong, null);
  });
}
