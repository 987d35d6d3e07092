import type { LockId } from '../../../src/dlm/index.js';
import { eventually, outcomeOf, outcomeWithin, pause } from '../conformance-case.js';
import { assertNothingLeft, holders, take, WAITING_MS, type Case } from './fixture.js';

/** So often a cancel is sent against a grant. */
const RACE_ROUNDS = 30;

/** Who is served when, who is told, and what a cancel or refusal leaves. */
export const queueCases: readonly Case[] = [
  {
    title: 'a waiting take is granted when the holder unlocks, and the holder is told before',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const waiting = two.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      await eventually('a blocking notice', () => one.blockings(), (modes) =>
        modes.includes('EX') || modes.includes(null));
      const seen = (await two.lockspace.localLocks()).find((lock) => lock.resource === resource);
      assert.equal(seen?.status, 'converting');
      assert.equal(seen?.granted, 'NL');
      assert.equal(seen?.requested, 'EX');
      await one.lockspace.unlock(id);
      assert.equal(await outcomeOf(waiting.granted), 'ok');
      await two.lockspace.unlock(waiting.id);
    },
  },
  {
    title: 'exclusive takes that wait are granted in the order in which they began to wait',
    needs: [],
    async run(fixture, assert) {
      const members = [await fixture.start(0), await fixture.start(1), await fixture.start(2)];
      const resource = fixture.freshName();
      const [one] = members;
      if (one === undefined) throw new Error('three members were started');
      const first = await take(one, resource, 'EX');
      const order: number[] = [];
      const done: Promise<void>[] = [];
      for (const [index, member] of [...members, ...members].entries()) {
        const waiting = member.lockspace.take({ resource, mode: 'EX', wait: true });
        done.push(waiting.granted.then(() => {
          order.push(index);
          return member.lockspace.unlock(waiting.id);
        }));
        assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      }
      await one.lockspace.unlock(first);
      await Promise.all(done);
      assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
    },
  },
  {
    title: 'a take that does not wait is refused at once also while another waits',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const waiting = two.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      const refused = three.lockspace.take({ resource, mode: 'EX', wait: false });
      assert.equal(await outcomeOf(refused.granted), 'WOULD_BLOCK');
      await one.lockspace.unlock(id);
      assert.equal(await outcomeOf(waiting.granted), 'ok');
      await two.lockspace.unlock(waiting.id);
    },
  },
  {
    title: 'a reader that waits does not pass a writer that waits already',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'PR');
      const writer = two.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(writer.granted, WAITING_MS), 'pending');
      const reader = three.lockspace.take({ resource, mode: 'PR', wait: true });
      assert.equal(await outcomeWithin(reader.granted, WAITING_MS), 'pending');
      await one.lockspace.unlock(id);
      assert.equal(await outcomeOf(writer.granted), 'ok');
      assert.equal(await outcomeWithin(reader.granted, WAITING_MS), 'pending');
      await two.lockspace.unlock(writer.id);
      assert.equal(await outcomeOf(reader.granted), 'ok');
      await three.lockspace.unlock(reader.id);
    },
  },
  {
    title: 'a cancelled take leaves nothing behind',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const waiting = two.lockspace.take({ resource, mode: 'PR', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      await two.lockspace.cancel(waiting.id);
      assert.equal(await outcomeOf(waiting.granted), 'CANCELED');
      await assertNothingLeft(two, resource, assert);
      assert.equal(await outcomeOf(two.lockspace.unlock(waiting.id)), 'UNKNOWN_LOCK');
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'a refused take leaves nothing behind',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'PR');
      const refused = two.lockspace.take({ resource, mode: 'EX', wait: false });
      assert.equal(await outcomeOf(refused.granted), 'WOULD_BLOCK');
      await assertNothingLeft(two, resource, assert);
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'a cancelled convert keeps the old mode',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const first = await take(one, resource, 'PR');
      const second = await take(two, resource, 'PR');
      const converted = one.lockspace.convert(first, { mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(converted, WAITING_MS), 'pending');
      await one.lockspace.cancel(first);
      assert.equal(await outcomeOf(converted), 'CANCELED');
      const mine = (await one.lockspace.localLocks()).find((lock) => lock.resource === resource);
      assert.equal(mine?.granted, 'PR');
      assert.equal(mine?.status, 'granted');
      await one.lockspace.unlock(first);
      await two.lockspace.unlock(second);
    },
  },
  {
    title: 'who asks for the head of the queue is served before those who wait already',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      const resource = fixture.freshName();
      for (const persistent of [true, false]) {
        const id = await take(one, resource, 'EX');
        const early = two.lockspace.take({ resource, mode: 'EX', wait: true, persistent });
        assert.equal(await outcomeWithin(early.granted, WAITING_MS), 'pending');
        const late = three.lockspace.take({
          resource, mode: 'EX', wait: true, persistent, flags: ['HEADQUE'],
        });
        assert.equal(await outcomeWithin(late.granted, WAITING_MS), 'pending');
        await one.lockspace.unlock(id);
        assert.equal(await outcomeOf(late.granted), 'ok');
        assert.equal(await outcomeWithin(early.granted, WAITING_MS), 'pending');
        await three.lockspace.unlock(late.id);
        assert.equal(await outcomeOf(early.granted), 'ok');
        await two.lockspace.unlock(early.id);
      }
    },
  },
  {
    title: 'with NOORDER a reader passes a writer that waits, and without it waits behind',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      for (const persistent of [true, false]) {
        const resource = fixture.freshName();
        const id = await take(one, resource, 'PR');
        const writer = two.lockspace.take({ resource, mode: 'EX', wait: true, persistent });
        assert.equal(await outcomeWithin(writer.granted, WAITING_MS), 'pending');
        const polite = three.lockspace.take({ resource, mode: 'PR', wait: true, persistent });
        assert.equal(await outcomeWithin(polite.granted, WAITING_MS), 'pending');
        const rude = three.lockspace.take({
          resource, mode: 'PR', wait: true, persistent, flags: ['NOORDER'],
        });
        assert.equal(await outcomeOf(rude.granted), 'ok');
        await one.lockspace.unlock(id);
        assert.equal(await outcomeWithin(writer.granted, WAITING_MS), 'pending');
        await three.lockspace.unlock(rude.id);
        assert.equal(await outcomeOf(writer.granted), 'ok');
        await two.lockspace.unlock(writer.id);
        assert.equal(await outcomeOf(polite.granted), 'ok');
        await three.lockspace.unlock(polite.id);
      }
    },
  },
  {
    title: 'holders are told of a refused request only when it asks for that',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const silent = two.lockspace.take({ resource, mode: 'EX', wait: false });
      assert.equal(await outcomeOf(silent.granted), 'WOULD_BLOCK');
      await pause(WAITING_MS);
      assert.equal((await one.blockings()).length, 0);
      const loud = two.lockspace.take({
        resource, mode: 'EX', wait: false, flags: ['NOQUEUEBAST'],
      });
      assert.equal(await outcomeOf(loud.granted), 'WOULD_BLOCK');
      await eventually('a notice', () => one.blockings(), ({ length }) => length === 1);
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'every holder in the way is told, once for each stronger mode that waits',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      const resource = fixture.freshName();
      const first = await take(one, resource, 'PR');
      const second = await take(two, resource, 'PR');
      const waits: { readonly id: LockId; readonly granted: Promise<unknown> }[] = [];
      // PR stands in nobody's way, and the second EX is no news.
      const expected = [['CW', 1], ['PR', 1], ['PW', 2], ['EX', 3], ['EX', 3]] as const;
      for (const [mode, count] of expected) {
        const waiting = three.lockspace.take({ resource, mode, wait: true });
        waits.push(waiting);
        assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending', mode);
        for (const holder of [one, two]) {
          const told = await eventually(`the notice of ${mode}`, () => holder.blockings(),
            ({ length }) => length >= count);
          assert.equal(told.length, count, mode);
        }
      }
      // From the last: an earlier one that goes would let the next be granted.
      for (const { id, granted } of waits.reverse()) {
        const ended = outcomeOf(granted);
        await three.lockspace.unlock(id, { force: true });
        assert.equal(await ended, 'CANCELED');
      }
      await one.lockspace.unlock(first);
      await two.lockspace.unlock(second);
    },
  },
  {
    title: 'a cancel that races the grant leaves either a held lock or nothing, never both',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const outcomes = { granted: 0, canceled: 0 };
      for (let round = 0; round < RACE_ROUNDS; round += 1) {
        const resource = fixture.freshName();
        const persistent = round % 2 === 0;
        const id = await take(one, resource, 'EX');
        const waiting = two.lockspace.take({ resource, mode: 'EX', wait: true, persistent });
        const outcome = outcomeOf(waiting.granted);
        await eventually('it waits', () => holders(two, resource), (text) => text.endsWith('EX'));
        // Which of the two comes first is left to chance, and tried from both sides.
        const unlocked = one.lockspace.unlock(id);
        if (round % 3 > 0) await pause(round % 3 === 1 ? 0 : round % 7);
        await Promise.all([two.lockspace.cancel(waiting.id), unlocked]);
        if (await outcome === 'ok') {
          outcomes.granted += 1;
          assert.equal(await holders(two, resource), 'EX');
          await two.lockspace.unlock(waiting.id);
        } else {
          assert.equal(await outcome, 'CANCELED');
          outcomes.canceled += 1;
        }
        await assertNothingLeft(two, resource, assert);
        const free = await take(one, resource, 'EX');
        await one.lockspace.unlock(free);
      }
      assert.equal(outcomes.granted + outcomes.canceled, RACE_ROUNDS);
    },
  },
];
