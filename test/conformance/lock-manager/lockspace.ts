import type { ConvertRequest, LockId, TakeRequest } from '../../../src/dlm/index.js';
import { eventually, outcomeOf, outcomeWithin } from '../conformance-case.js';
import { take, WAITING_MS, type Case, type LockMember } from './fixture.js';

/** Opening, leaving and describing a lockspace. */
export const lockspaceCases: readonly Case[] = [
  {
    title: 'a lockspace with an orphan in it is not released, and an empty one is',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const resource = fixture.freshName();
      const killed = await fixture.start(0, name);
      await take(killed, resource, 'EX');
      await fixture.kill(killed);
      const next = await fixture.start(0, name);
      assert.equal(await outcomeOf(next.lockspace.release()), 'LOCKSPACE_BUSY');
      const id = await next.lockspace.adopt({ resource, mode: 'EX' });
      assert.equal(await outcomeOf(next.lockspace.release()), 'LOCKSPACE_BUSY');
      await next.lockspace.unlock(id);
      await next.lockspace.release();
      await eventually('the lockspace gone', () => next.state(), ({ kind }) => kind === 'absent');
    },
  },
  {
    title: 'a forced release drops what is held and orphaned on this node, and others get it',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [held, orphaned] = [fixture.freshName(), fixture.freshName()];
      const other = await fixture.start(1, name);
      const killed = await fixture.start(0, name);
      await take(killed, orphaned, 'EX');
      await fixture.kill(killed);
      const one = await fixture.start(0, name);
      await take(one, held, 'EX');
      assert.equal(await outcomeOf(one.lockspace.release()), 'LOCKSPACE_BUSY');
      await one.lockspace.release({ force: true });
      await eventually('the node has left', () => one.state(), ({ kind }) => kind === 'absent');
      for (const resource of [held, orphaned]) {
        await other.lockspace.unlock(await take(other, resource, 'EX', true));
      }
      await other.lockspace.release();
    },
  },
  {
    title: 'NEWEXCL makes a lockspace that this node is not in, and refuses one that it is in',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const flags = ['NEWEXCL'] as const;
      const one = await fixture.start(0, name, { flags });
      assert.equal(await outcomeOf(fixture.start(0, name, { flags })), 'LOCKSPACE_EXISTS');
      const two = await fixture.start(1, name, { flags });
      const id = await take(two, fixture.freshName(), 'EX');
      await two.lockspace.unlock(id);
      await two.lockspace.release();
      await one.lockspace.release();
    },
  },
  {
    title: 'a lockspace is without a directory on all nodes or on none',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const one = await fixture.start(0, name, { flags: ['NODIR'] });
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      assert.equal(await outcomeOf(fixture.start(1, name)), 'BAD_REQUEST');
      const two = await fixture.start(2, name, { flags: ['NODIR'] });
      const request = two.lockspace.take({ resource, mode: 'EX', wait: false });
      assert.equal(await outcomeOf(request.granted), 'WOULD_BLOCK');
      await one.lockspace.unlock(id);
      await two.lockspace.unlock(await take(two, resource, 'EX'));
    },
  },
  {
    title: 'a closed lockspace leaves orphans, which its next opener adopts',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      await one.lockspace.close();
      await one.lockspace.close();
      assert.equal(await outcomeOf(one.lockspace.unlock(id)), 'CLOSED');
      const refused = one.lockspace.take({ resource, mode: 'EX', wait: false });
      assert.equal(await outcomeOf(refused.granted), 'CLOSED');
      const next = await fixture.start(0);
      const adopted = await eventually('the adoption', () =>
        next.lockspace.adopt({ resource, mode: 'EX' }).catch(() => null), (got) => got !== null);
      if (adopted !== null) await next.lockspace.unlock(adopted);
    },
  },
  {
    title: 'the master of a resource lists its queues in their order, another node only its own',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const waits = [];
      for (const [member, persistent] of [[two, true], [three, true], [two, false]] as const) {
        const waiting = member.lockspace.take({ resource, mode: 'PR', wait: true, persistent });
        assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
        waits.push({ member, ...waiting });
      }
      const of = async (member: LockMember) =>
        (await member.lockspace.resources()).find(({ name }) => name === resource);
      const master = await of(one);
      assert.equal(master?.masterNodeId, null);
      assert.deepEqual(master?.granted.map(({ nodeId, granted }) => [nodeId, granted]),
        [[null, 'EX']]);
      assert.deepEqual(
        master?.converting.map(({ nodeId, granted, requested }) => [nodeId, granted, requested]),
        [[fixture.nodeId(1), 'NL', 'PR'], [fixture.nodeId(2), 'NL', 'PR']],
      );
      assert.deepEqual(
        master?.waiting.map(({ nodeId, granted, requested }) => [nodeId, granted, requested]),
        [[fixture.nodeId(1), null, 'PR']],
      );
      const elsewhere = await of(three);
      assert.equal(elsewhere?.masterNodeId, fixture.nodeId(0));
      assert.deepEqual(elsewhere?.converting.map(({ nodeId }) => nodeId), [null]);
      assert.deepEqual(elsewhere?.granted, []);
      assert.deepEqual(await one.lockspace.replyWaits(), []);
      await one.lockspace.unlock(id);
      for (const { member, id: waiter, granted } of waits) {
        await granted;
        await member.lockspace.unlock(waiter);
      }
    },
  },
  {
    title: 'the view of the controller names nodes and lockspaces, and nobody is waited for',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const one = await fixture.start(0, name);
      const view = await eventually('the lockspace in the view', () => one.clusterView(),
        ({ lockspaces }) => lockspaces.some((known) => known.name === name));
      assert.equal(view.nodeId, fixture.nodeId(0));
      assert.equal(view.quorate, true);
      assert.equal(view.fencingEnabled, true);
      assert.deepEqual(view.nodes.map(({ nodeId, member, fencing }) => [nodeId, member, fencing]),
        [0, 1, 2].map((node) => [fixture.nodeId(node), true, 'none']));
      const own = view.lockspaces.find((known) => known.name === name);
      assert.deepEqual(own?.members, [fixture.nodeId(0)]);
      assert.equal(own?.waitsFor, null);
      assert.deepEqual(await one.lockspace.versions(), { kernel: '6.0.2', library: '6.0.2' });
      await one.lockspace.release();
    },
  },
  {
    title: 'requests that make no sense are refused before the kernel sees them',
    needs: [],
    async run(fixture, assert) {
      const { lockspace } = await fixture.start(0);
      const resource = fixture.freshName();
      const take = (request: object): Promise<string> => {
        const whole: TakeRequest = { resource, mode: 'EX', wait: false, ...request };
        return outcomeOf(lockspace.take(whole).granted);
      };
      const wrong: readonly object[] = [
        { resource: '' }, { resource: 'x'.repeat(65) }, { resource: 7 }, { mode: 'XX' },
        { mode: null }, { wait: 'yes' }, { persistent: 1 }, { flags: ['NOSUCH'] },
        { flags: 'HEADQUE' }, { flags: ['CONVDEADLK'] }, { value: new Uint8Array(32) },
      ];
      for (const request of wrong) {
        assert.equal(await take(request), 'BAD_REQUEST', JSON.stringify(request));
      }
      const { id, granted } = lockspace.take({ resource, mode: 'EX', wait: false });
      await granted;
      const convert = (request: object): Promise<string> => {
        const whole: ConvertRequest = { mode: 'EX', wait: true, ...request };
        return outcomeOf(lockspace.convert(id, whole));
      };
      for (const length of [0, 31, 33]) {
        assert.equal(await convert({ value: new Uint8Array(length) }), 'BAD_REQUEST');
        const unlock = lockspace.unlock(id, { value: new Uint8Array(length) });
        assert.equal(await outcomeOf(unlock), 'BAD_REQUEST');
      }
      assert.equal(await convert({ wait: false, flags: ['CONVDEADLK'] }), 'BAD_REQUEST');
      assert.equal(await convert({ mode: 'EXX' }), 'BAD_REQUEST');
      for (const unknown of [0, -1, 1.5, 4711, 2 ** 40]) {
        const wrongId = unknown as LockId;
        assert.equal(await outcomeOf(lockspace.unlock(wrongId)), 'UNKNOWN_LOCK', String(unknown));
        assert.equal(await outcomeOf(lockspace.cancel(wrongId)), 'UNKNOWN_LOCK', String(unknown));
      }
      assert.equal(await outcomeOf(lockspace.purge({ nodeId: -1 })), 'BAD_REQUEST');
      await lockspace.unlock(id);
      assert.equal(await outcomeOf(lockspace.unlock(id)), 'UNKNOWN_LOCK');
      assert.equal(await outcomeOf(lockspace.cancel(id)), 'ok');
    },
  },
];
