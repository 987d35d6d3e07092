import { eventually, outcomeOf, outcomeWithin } from '../conformance-case.js';
import {
  MODES, WAITING_MS, isCompatible, take, restart, assertNothingLeft, type Case, type LockMember,
} from './fixture.js';

/** What outlives a process, and who may take it over. */
export const orphansCases: readonly Case[] = [
  ...MODES.map((mode): Case => ({
    title: `a lock in ${mode} outlives its process as an orphan and is adopted in that mode only`,
    needs: [],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const other = await fixture.start(1);
      const killed = await fixture.start(0);
      await take(killed, resource, mode);
      const next = await restart(fixture, killed, 0);
      const orphan = await eventually('the orphan', async () =>
        (await next.lockspace.localLocks()).find((lock) => lock.resource === resource),
        (lock) => lock?.orphan === true);
      assert.equal(orphan?.granted, mode);
      const request = other.lockspace.take({ resource, mode: 'EX', wait: false });
      const excluded = isCompatible(mode, 'EX') ? 'ok' : 'WOULD_BLOCK';
      assert.equal(await outcomeOf(request.granted), excluded);
      if (excluded === 'ok') await other.lockspace.unlock(request.id);
      for (const wrong of MODES.filter((candidate) => candidate !== mode)) {
        const adoption = next.lockspace.adopt({ resource, mode: wrong });
        assert.equal(await outcomeOf(adoption), 'OTHER_MODE', wrong);
      }
      assert.equal(await outcomeOf(other.lockspace.adopt({ resource, mode })), 'NO_ORPHAN');
      const id = await next.lockspace.adopt({ resource, mode });
      const locks = await next.lockspace.localLocks();
      const adopted = locks.find((lock) => lock.resource === resource);
      assert.equal(adopted?.granted, mode);
      assert.equal(await outcomeOf(next.lockspace.adopt({ resource, mode })), 'NO_ORPHAN');
      await next.lockspace.unlock(id);
      await assertNothingLeft(next, resource, assert);
      const freed = await take(other, resource, 'EX');
      await other.lockspace.unlock(freed);
    },
  })),
  {
    title: 'an adopted lock is persistent again: a second death leaves an orphan',
    needs: [],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const killed = await fixture.start(0);
      await take(killed, resource, 'EX');
      const second = await restart(fixture, killed, 0);
      await eventually('the adoption', () =>
        outcomeOf(second.lockspace.adopt({ resource, mode: 'EX' })), (how) => how === 'ok');
      const third = await restart(fixture, second, 0);
      await eventually('the orphan', () => third.lockspace.localLocks(), (locks) =>
        locks.some((lock) => lock.resource === resource && lock.orphan));
      const id = await third.lockspace.adopt({ resource, mode: 'EX' });
      await third.lockspace.unlock(id);
      await assertNothingLeft(third, resource, assert);
    },
  },
  {
    title: 'adopting what never existed is refused with NO_ORPHAN',
    needs: [],
    async run(fixture, assert) {
      const { lockspace } = await fixture.start(0);
      const adoption = lockspace.adopt({ resource: fixture.freshName(), mode: 'EX' });
      assert.equal(await outcomeOf(adoption), 'NO_ORPHAN');
    },
  },
  {
    title: 'a take that was waiting when its process died leaves an NL orphan that excludes nobody',
    needs: [],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const holder = await fixture.start(1);
      const killed = await fixture.start(0);
      const held = await take(holder, resource, 'EX');
      const waiting = killed.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      const next = await restart(fixture, killed, 0);
      await eventually('the orphan at rest', () => next.lockspace.localLocks(), (locks) =>
        locks.some((lock) => lock.resource === resource && lock.orphan
          && lock.status === 'granted' && lock.granted === 'NL'));
      await holder.lockspace.unlock(held);
      const again = await take(holder, resource, 'EX');
      await holder.lockspace.unlock(again);
      const id = await next.lockspace.adopt({ resource, mode: 'NL' });
      await next.lockspace.unlock(id);
      await assertNothingLeft(next, resource, assert);
    },
  },
  {
    title: 'an orphan is adopted by its exact name only',
    needs: [],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const killed = await fixture.start(0);
      await take(killed, resource, 'EX');
      const next = await restart(fixture, killed, 0);
      await eventually('the orphan', () => next.lockspace.localLocks(), (locks) =>
        locks.some((lock) => lock.resource === resource && lock.orphan));
      const names = [`${resource}x`, resource.slice(0, -1), resource.toUpperCase(), `${resource}\0`];
      for (const wrong of names) {
        const adoption = next.lockspace.adopt({ resource: wrong, mode: 'EX' });
        assert.equal(await outcomeOf(adoption), 'NO_ORPHAN', JSON.stringify(wrong));
      }
      await next.lockspace.unlock(await next.lockspace.adopt({ resource, mode: 'EX' }));
    },
  },
  {
    title: 'a held lock is no orphan: not even its own process adopts it',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      assert.equal(await outcomeOf(one.lockspace.adopt({ resource, mode: 'EX' })), 'NO_ORPHAN');
      const other = await fixture.start(0);
      assert.equal(await outcomeOf(other.lockspace.adopt({ resource, mode: 'EX' })), 'NO_ORPHAN');
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'a lock that is not persistent vanishes with its process, granted, waiting or converting',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(1);
      const killed = await fixture.start(0);
      const witness = await fixture.start(0);
      const held = fixture.freshName();
      const waited = fixture.freshName();
      const converted = fixture.freshName();
      const mortal = { wait: true, persistent: false } as const;
      await killed.lockspace.take({ ...mortal, resource: held, mode: 'EX' }).granted;
      const id = await take(one, waited, 'EX');
      const waiting = killed.lockspace.take({ ...mortal, resource: waited, mode: 'EX' });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      const shared = await take(one, converted, 'PR');
      const reader = killed.lockspace.take({ ...mortal, resource: converted, mode: 'PR' });
      await reader.granted;
      const upward = killed.lockspace.convert(reader.id, { mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(upward, WAITING_MS), 'pending');
      await fixture.kill(killed);
      await eventually('nothing is left', () => witness.lockspace.localLocks(), (locks) =>
        !locks.some(({ resource }) => [held, waited, converted].includes(resource)));
      const free = await take(one, held, 'EX');
      await one.lockspace.unlock(free);
      await one.lockspace.unlock(id);
      await one.lockspace.convert(shared, { mode: 'EX', wait: false });
      await one.lockspace.unlock(shared);
    },
  },
  {
    title: 'a convert that waited when its process died leaves an orphan in the old mode',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(1);
      const killed = await fixture.start(0);
      const resource = fixture.freshName();
      const shared = await take(one, resource, 'PR');
      const id = await take(killed, resource, 'PR');
      const upward = killed.lockspace.convert(id, { mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(upward, WAITING_MS), 'pending');
      const next = await restart(fixture, killed, 0);
      await eventually('the orphan at rest', () => next.lockspace.localLocks(), (locks) =>
        locks.some((lock) => lock.resource === resource && lock.orphan
          && lock.status === 'granted' && lock.granted === 'PR'));
      await next.lockspace.unlock(await next.lockspace.adopt({ resource, mode: 'PR' }));
      await one.lockspace.convert(shared, { mode: 'EX', wait: false });
      await one.lockspace.unlock(shared);
    },
  },
  {
    title: 'a purge drops the orphans of one process, of a node, of another node, and no held lock',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, two] = [await fixture.start(0, name), await fixture.start(1, name)];
      const held = await take(one, fixture.freshName(), 'EX');
      const orphans: string[] = [];
      for (const node of [0, 0, 1]) {
        const killed = await fixture.start(node, name);
        const resource = fixture.freshName();
        await take(killed, resource, 'EX');
        await fixture.kill(killed);
        orphans.push(resource);
      }
      const left = async (member: LockMember): Promise<string> =>
        (await member.lockspace.localLocks()).filter(({ orphan }) => orphan)
          .map(({ resource }) => String(orphans.indexOf(resource))).sort().join();
      await eventually('two orphans', () => left(one), (text) => text === '0,1');
      await eventually('an orphan', () => left(two), (text) => text === '2');
      const locks = await one.lockspace.localLocks();
      const pid = locks.find(({ resource }) => resource === orphans[0])?.ownerPid ?? -1;
      await one.lockspace.purge({ pid });
      assert.equal(await left(one), '1');
      await one.lockspace.purge();
      assert.equal(await left(one), '');
      assert.equal(await left(two), '2');
      await one.lockspace.purge({ nodeId: fixture.nodeId(1) });
      await eventually('the other node purged', () => left(two), (text) => text === '');
      assert.equal(await outcomeOf(one.lockspace.purge({ nodeId: 4711 })), 'KERNEL');
      assert.equal((await one.lockspace.localLocks()).length, 1);
      await one.lockspace.unlock(held);
      for (const resource of orphans) {
        await two.lockspace.unlock(await take(two, resource, 'EX', true));
      }
    },
  },
];
