import test from 'ava';
import { playSeeds, SEEDS, SEEDS_PER_TEST } from './seeds.js';

// Two files, so that a runner with two workers plays them side by side.
for (let part = 1; part <= SEEDS / SEEDS_PER_TEST; part += 2) {
  test.serial(`clusters keep every promise through all faults, part ${part}`, playSeeds, part);
}
