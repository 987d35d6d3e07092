import { eventually, outcomeOf, outcomeWithin } from '../conformance-case.js';
import { assertNothingLeft, holders, take, WAITING_MS, type Case } from './fixture.js';

/** Conversion deadlocks and the ways out of them, cancels of a detector, forced unlocks. */
export const deadlockCases: readonly Case[] = [
  {
    title: 'two holders that both wait for more are told of the deadlock',
    needs: [],
    async run(fixture, assert) {
      const { one, two, first, second, upward } = await bothHold(fixture);
      assert.equal(await outcomeWithin(upward, WAITING_MS), 'pending');
      const blocked = two.lockspace.convert(second, { mode: 'EX', wait: true });
      assert.equal(await outcomeOf(blocked), 'DEADLOCK');
      await two.lockspace.unlock(second);
      assert.equal(await outcomeOf(upward), 'ok');
      await one.lockspace.unlock(first);
    },
  },
  {
    title: 'with CONVDEADLK the later of two gives up its mode, waits, and is told',
    needs: [],
    async run(fixture, assert) {
      const { one, two, first, second, upward } = await bothHold(fixture);
      const yielding = two.lockspace.convert(second, {
        mode: 'EX', wait: true, flags: ['CONVDEADLK'],
      });
      assert.equal((await upward).demoted, false);
      assert.equal(await outcomeWithin(yielding, WAITING_MS), 'pending');
      await one.lockspace.unlock(first);
      const grant = await yielding;
      assert.equal(grant.mode, 'EX');
      assert.equal(grant.demoted, true);
      await two.lockspace.unlock(second);
    },
  },
  {
    title: 'a demoted lock whose convert is cancelled holds NL',
    needs: [],
    async run(fixture, assert) {
      const { one, two, first, second, upward, resource } = await bothHold(fixture);
      const yielding = two.lockspace.convert(second, {
        mode: 'EX', wait: true, flags: ['CONVDEADLK'],
      });
      await upward;
      await two.lockspace.cancel(second);
      assert.equal(await outcomeOf(yielding), 'CANCELED');
      const own = (await two.lockspace.localLocks()).find((lock) => lock.resource === resource);
      assert.equal(own?.granted, 'NL');
      await one.lockspace.unlock(first);
      await two.lockspace.unlock(second);
    },
  },
  {
    title: 'with NODLCKWT both wait until one of them gives in',
    needs: [],
    async run(fixture, assert) {
      const { one, two, first, second, upward } = await bothHold(fixture);
      const stubborn = two.lockspace.convert(second, {
        mode: 'EX', wait: true, flags: ['NODLCKWT'],
      });
      assert.equal(await outcomeWithin(stubborn, WAITING_MS), 'pending');
      assert.equal(await outcomeWithin(upward, 0), 'pending');
      await two.lockspace.cancel(second);
      assert.equal(await outcomeOf(stubborn), 'CANCELED');
      await two.lockspace.unlock(second);
      assert.equal(await outcomeOf(upward), 'ok');
      await one.lockspace.unlock(first);
    },
  },
  {
    title: 'a deadlock over two resources is not found: a detector cancels, the victim is told',
    needs: [],
    async run(fixture, assert) {
      const { one, two } = await pair(fixture);
      const [left, right] = [fixture.freshName(), fixture.freshName()];
      const leftId = await take(one, left, 'EX');
      const rightId = await take(two, right, 'EX');
      const onRight = one.lockspace.take({ resource: right, mode: 'EX', wait: true });
      const onLeft = two.lockspace.take({
        resource: left, mode: 'EX', wait: true, persistent: false,
      });
      assert.equal(await outcomeWithin(onRight.granted, WAITING_MS), 'pending');
      assert.equal(await outcomeWithin(onLeft.granted, WAITING_MS), 'pending');
      await two.lockspace.deadlockCancel(onLeft.id);
      assert.equal(await outcomeOf(onLeft.granted), 'DEADLOCK');
      await assertNothingLeft(two, left, assert);
      await one.lockspace.deadlockCancel(onRight.id);
      assert.equal(await outcomeOf(onRight.granted), 'DEADLOCK');
      await assertNothingLeft(one, right, assert);
      await one.lockspace.unlock(leftId);
      await two.lockspace.unlock(rightId);
    },
  },
  {
    title: 'a deadlock cancel of a convert leaves the old mode, and of an idle lock does nothing',
    needs: [],
    async run(fixture, assert) {
      const { one, two, first, second, upward, resource } = await bothHold(fixture);
      await one.lockspace.deadlockCancel(first);
      assert.equal(await outcomeOf(upward), 'DEADLOCK');
      await one.lockspace.deadlockCancel(first);
      const own = (await one.lockspace.localLocks()).find((lock) => lock.resource === resource);
      assert.equal(own?.granted, 'PR');
      await one.lockspace.unlock(first);
      await two.lockspace.unlock(second);
    },
  },
  {
    title: 'a forced unlock ends a waiting take or convert together with its lock',
    needs: [],
    async run(fixture, assert) {
      const { one, two, first, second, upward, resource } = await bothHold(fixture);
      assert.equal(await outcomeOf(one.lockspace.unlock(first)), 'BAD_REQUEST');
      const ended = outcomeOf(upward);
      await one.lockspace.unlock(first, { force: true });
      assert.equal(await ended, 'CANCELED');
      await assertNothingLeft(one, resource, assert);
      for (const persistent of [true, false]) {
        const waiting = one.lockspace.take({ resource, mode: 'EX', wait: true, persistent });
        assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
        const refused = outcomeOf(waiting.granted);
        await one.lockspace.unlock(waiting.id, { force: true });
        assert.equal(await refused, 'CANCELED');
        await assertNothingLeft(one, resource, assert);
      }
      await two.lockspace.unlock(second);
      assert.equal(await holders(two, resource), '');
    },
  },
];

async function pair(fixture: Parameters<Case['run']>[0]) {
  return { one: await fixture.start(0), two: await fixture.start(1) };
}

/** Both hold PR, and the first already waits for EX. */
async function bothHold(fixture: Parameters<Case['run']>[0]) {
  const { one, two } = await pair(fixture);
  const resource = fixture.freshName();
  const first = await take(one, resource, 'PR');
  const second = await take(two, resource, 'PR');
  const upward = one.lockspace.convert(first, { mode: 'EX', wait: true });
  await eventually('the convert waits', () => one.lockspace.localLocks(), (locks) =>
    locks.some((lock) => lock.resource === resource && lock.status === 'converting'));
  // The master may be the other node: its queue is what the second convert meets.
  await outcomeWithin(upward, WAITING_MS);
  return { one, two, resource, first, second, upward };
}
