import test from 'ava';
import { SLOTS_MAX, StatusArena } from '../../../src/dlm/child/status-arena.js';
import { chooseSeed } from '../../support/property-seed.js';
import { chance, randomOf } from '../random.js';

const SLOT_BYTES = 64;

test('slots are apart from each other, in memory that stays where it is', (t) => {
  const arena = new StatusArena();
  const slots = Array.from({ length: 3_000 }, () => arena.acquire() as number);
  const addresses = slots.map((slot) => arena.address(slot)).sort((a, b) => a - b);
  t.is(new Set(slots).size, 3_000);
  t.true(addresses.every((address, index) =>
    index === 0 || address - (addresses[index - 1] as number) >= SLOT_BYTES));
  t.deepEqual(slots.map((slot) => arena.address(slot)).sort((a, b) => a - b), addresses);
});

test('a slot that is in use is never given out again', (t) => {
  const seed = chooseSeed(t);
  const random = randomOf(seed);
  const arena = new StatusArena();
  const used = new Set<number>();
  for (let round = 0; round < 20_000; round += 1) {
    const [first] = used;
    if (first !== undefined && random() < 0.5) {
      used.delete(first);
      arena.release(first);
    } else {
      for (let count = chance(random, 4); count >= 0; count -= 1) {
        const slot = arena.acquire();
        if (slot === null || used.has(slot)) {
          return t.fail(`seed ${seed}, round ${round}: slot ${String(slot)} given out twice`);
        }
        used.add(slot);
      }
    }
  }
  t.is(arena.used, used.size);
  for (const slot of used) {
    arena.release(slot);
  }
  t.is(arena.used, 0);
});

test('a slot comes back clean, with the address of its own value block', (t) => {
  const arena = new StatusArena();
  const slot = arena.acquire() as number;
  arena.value(slot).fill(0xff);
  arena.release(slot);
  const again = arena.acquire() as number;
  t.is(again, slot);
  t.true(arena.value(again).every((byte) => byte === 0));
  t.is(arena.lkid(again), 0);
});

test('released slots are used before new memory is', (t) => {
  const arena = new StatusArena();
  const addresses = new Set<number>();
  for (let cycle = 0; cycle < 100_000; cycle += 1) {
    const slots = [arena.acquire() as number, arena.acquire() as number];
    for (const slot of slots) {
      addresses.add(arena.address(slot));
      arena.release(slot);
    }
  }
  t.is(addresses.size, 2);
});

test('beyond the bound there is no slot, and there is one again after a release', (t) => {
  const arena = new StatusArena();
  let last = 0;
  for (let count = 0; count < SLOTS_MAX; count += 1) {
    last = arena.acquire() ?? -1;
  }
  t.is(arena.acquire(), null);
  t.is(arena.used, SLOTS_MAX);
  arena.release(last);
  t.is(arena.acquire(), last);
});
