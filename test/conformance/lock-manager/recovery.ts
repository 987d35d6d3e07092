import type { LockId, LockMode } from '../../../src/dlm/index.js';
import { eventually, outcomeOf, outcomeWithin } from '../conformance-case.js';
import {
  bytesOf, holders, read, take, WAITING_MS, type Case, type LockManagerFixture, type LockMember,
} from './fixture.js';

/** What the death of a node does to the locks of all. */
export const recoveryCases: readonly Case[] = [
  {
    title: 'a node without power keeps its lock until the others have recovered, then it is free',
    needs: ['power'],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const dying = await fixture.start(2);
      const other = await fixture.start(0);
      await take(dying, resource, 'EX');
      const waiting = other.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      const before = await other.state();
      assert.equal(before.kind, 'running');
      await fixture.powerOff(2);
      await eventually('the grant', () => outcomeWithin(waiting.granted, 0), (how) => how === 'ok');
      const after = await eventually('it runs', () => other.state(), ({ kind }) => kind === 'running');
      if (before.kind !== 'running' || after.kind !== 'running') throw new Error('not running');
      assert.equal(after.members.length, before.members.length - 1);
      await other.lockspace.unlock(waiting.id);
    },
  },
  {
    title: 'one death: requests wait for the fencing and finish after it, values are as recovered',
    needs: ['power'],
    async run(fixture, assert) {
      const death = await prepareDeath(fixture);
      const { one, two, names } = death;
      await fixture.withholdFencing();
      await fixture.powerOff(2);
      const stopped = await eventually('it waits for the fencing', () => one.state(), (state) =>
        state.kind === 'waiting' && state.for === 'fencing');
      assert.equal(stopped.kind, 'waiting');
      const view = await one.clusterView();
      const dead = view.nodes.find(({ nodeId }) => nodeId === fixture.nodeId(2));
      assert.equal(dead?.member, false);
      assert.ok(dead?.fencing !== 'none');
      const blocked = one.lockspace.take({ resource: names.during, mode: 'EX', wait: false });
      const behind = one.lockspace.unlock(death.unrelated);
      const stalls = await eventually('the stalled call is told', () => one.stalls(), (all) =>
        all.some((operations) => operations.some(({ inKernel }) => inKernel !== null)));
      const stalled = stalls.at(-1)?.find(({ inKernel }) => inKernel !== null);
      assert.equal(stalled?.operation, 'take');
      assert.equal(stalled?.resource, names.during);
      assert.equal(stalled?.inKernel?.processState, 'D');
      assert.equal(await outcomeWithin(blocked.granted, WAITING_MS), 'pending');
      assert.equal(await outcomeWithin(death.queued, 0), 'pending');
      assert.ok((await one.lockspace.localLocks()).length > 0, 'debugfs answers meanwhile');
      await fixture.allowFencing();
      await blocked.granted;
      await behind;
      await eventually('it runs', () => one.state(), ({ kind }) => kind === 'running');
      await death.queued;
      assert.deepEqual({
        holder: await take(two, names.holder, 'EX', true).then(() => 'free'),
        orphan: await take(two, names.orphan, 'EX', true).then(() => 'free'),
        waiter: await death.waiter,
        sole: await read(one, names.sole, 'PR'),
        written: await read(one, names.written, 'PR'),
        seen: await read(one, names.seen, 'PR'),
        safe: await read(one, names.safe, 'NL'),
        unseen: await read(one, names.unseen, 'PR'),
        reader: await read(one, names.reader, 'PR'),
      }, {
        holder: 'free',
        orphan: 'free',
        waiter: 'ok',
        // The master and only holder has died: forgotten without a sign.
        sole: '(zeros) valid',
        // The dead node might have been writing; the master lives and has the last value.
        written: 'written invalid',
        // The dead master's last writer is gone; the survivor had read it in NL.
        seen: 'seen invalid',
        // A survivor holds more than CR: it has the newest, whoever was master.
        safe: 'safe valid',
        // A survivor that never asked for the value knows none: forgotten without a sign.
        unseen: '(zeros) valid',
        // Whoever only read leaves no doubt.
        reader: 'reader valid',
      });
    },
  },
  {
    title: 'the death of a node is survived by those who wait for each other on what it mastered',
    needs: ['power'],
    async run(fixture, assert) {
      const dying = await fixture.start(2);
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const mastered = await take(dying, resource, 'NL');
      assert.equal(await outcomeOf(dying.lockspace.convert(mastered, {
        mode: 'CR', wait: false,
      })), 'ok');
      const held = await take(one, resource, 'PW');
      const waiting = two.lockspace.take({ resource, mode: 'PW', wait: true });
      const mortal = one.lockspace.take({ resource, mode: 'PW', wait: true, persistent: false });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      assert.equal(await outcomeWithin(mortal.granted, WAITING_MS), 'pending');
      const before = await one.state();
      await fixture.powerOff(2);
      await eventually('recovery without it', () => one.state(), (state) =>
        state.kind === 'running' && before.kind === 'running'
        && state.members.length === before.members.length - 1);
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      assert.equal(await holders(one, resource), 'NL>PW PW');
      assert.equal(await holders(two, resource), 'NL>PW');
      await one.lockspace.unlock(held);
      assert.equal(await outcomeOf(waiting.granted), 'ok');
      assert.equal(await outcomeWithin(mortal.granted, WAITING_MS), 'pending');
      await two.lockspace.unlock(waiting.id);
      assert.equal(await outcomeOf(mortal.granted), 'ok');
      await one.lockspace.unlock(mortal.id);
    },
  },
];

/** Locks in every relation to node 2, which then dies. Node 0 is the master where it asks first. */
async function prepareDeath(fixture: LockManagerFixture) {
  const one = await fixture.start(0);
  const two = await fixture.start(1);
  const orphaned = await fixture.start(2);
  const names = Object.fromEntries(NAMES.map((name) => [name, fixture.freshName()])) as
    Record<(typeof NAMES)[number], string>;
  await take(orphaned, names.orphan, 'EX');
  await fixture.kill(orphaned);
  const dying = await fixture.start(2);
  const unrelated = await take(one, names.unrelated, 'EX');
  await take(dying, names.holder, 'EX');
  const queued = one.lockspace.take({ resource: names.holder, mode: 'PR', wait: true });
  const first = await take(one, names.waiter, 'EX');
  const dead = dying.lockspace.take({ resource: names.waiter, mode: 'EX', wait: true });
  dead.granted.catch(() => undefined);
  await outcomeWithin(dead.granted, WAITING_MS);
  const behind = two.lockspace.take({ resource: names.waiter, mode: 'EX', wait: true });
  await outcomeWithin(behind.granted, WAITING_MS);

  await write(dying, await take(dying, names.sole, 'EX'), 'EX', 'sole');
  await take(one, names.written, 'NL');
  await write(dying, await take(dying, names.written, 'EX'), 'EX', 'written');
  const seen = await take(dying, names.seen, 'EX');
  await write(dying, seen, 'NL', 'seen');
  await one.lockspace.take({
    resource: names.seen, mode: 'NL', wait: false, value: 'read',
  }).granted;
  await dying.lockspace.convert(seen, { mode: 'EX', wait: true, value: 'read' });
  await take(dying, names.safe, 'NL');
  await write(one, await take(one, names.safe, 'EX'), 'PR', 'safe');
  await write(dying, await take(dying, names.unseen, 'EX'), 'NL', 'unseen');
  await take(one, names.unseen, 'NL');
  await write(one, await take(one, names.reader, 'EX'), 'NL', 'reader');
  await dying.lockspace.take({
    resource: names.reader, mode: 'PR', wait: false, value: 'read',
  }).granted;
  const granted = queued.granted.then(() => one.lockspace.unlock(queued.id));
  const waiter = one.lockspace.unlock.bind(one.lockspace);
  return {
    one, two, names, unrelated, queued: granted,
    get waiter() {
      return waiter(first).then(() => outcomeOf(behind.granted));
    },
  };
}

const NAMES = [
  'orphan', 'unrelated', 'during', 'holder', 'waiter', 'sole', 'written', 'seen', 'safe', 'unseen',
  'reader',
] as const;

async function write(member: LockMember, id: LockId, mode: LockMode, text: string): Promise<void> {
  await member.lockspace.convert(id, { mode, wait: true, value: bytesOf(text) });
}
