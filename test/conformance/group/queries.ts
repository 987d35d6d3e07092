import type { Member } from '../../../src/cpg/index.js';
import { eventually, outcomeOf } from '../conformance-case.js';
import {
  joinThree, seesMembers, type GroupCase, type GroupMember,
} from './fixture.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function sorted(members: readonly Member[]): readonly string[] {
  return members.map(({ nodeId, pid }) => `${nodeId}/${pid}`).sort();
}

async function messagesOf(member: GroupMember, count: number): Promise<readonly Uint8Array[]> {
  const records = await eventually(`${count} messages`, () => member.records(), (all) =>
    all.filter(({ kind }) => kind === 'message').length >= count);
  return records.flatMap((record) => (record.kind === 'message' ? [record.payload] : []));
}

/** What a member can ask of its corosync, and the ways to send and to name. */
export const queryCases: readonly GroupCase[] = [
  {
    title: 'the membership that is asked for is the one that the last view showed',
    needs: [],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const expected = sorted(members.map(({ group }) => group.self));
      for (const { group } of members) {
        assert.deepEqual(sorted(await group.membership()), expected);
        assert.equal(await group.localNodeId(), group.self.nodeId);
      }
    },
  },
  {
    title: 'a membership is refused without a join, and after a leave',
    needs: [],
    async run(fixture, assert) {
      const { group } = await fixture.open(0);
      assert.equal(await outcomeOf(group.membership()), 'NOT_JOINED');
      await group.join(fixture.freshName());
      await group.leave();
      assert.equal(await outcomeOf(group.membership()), 'NOT_JOINED');
    },
  },
  {
    title: 'who is in which group can be asked from any node, also by one that is in none',
    needs: [],
    async run(fixture, assert) {
      const [first, second] = [fixture.freshName(), fixture.freshName()];
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      const other = await fixture.open(2);
      await one.group.join(first);
      await two.group.join(first);
      await other.group.join(second);
      await seesMembers(one, 2);
      const asker = await fixture.open(2);
      const both = sorted([one.group.self, two.group.self]);
      const seen = await eventually('both groups', () => asker.group.groups(), (groups) =>
        groups.some(({ name, members }) => text(name) === first && members.length === 2)
        && groups.some(({ name }) => text(name) === second));
      const listed = seen.find(({ name }) => text(name) === first);
      assert.deepEqual(sorted(listed?.members ?? []), both);
      assert.deepEqual(sorted(await asker.group.membersOf(first)), both);
      assert.deepEqual(sorted(await asker.group.membersOf(second)), sorted([other.group.self]));
      const names = (await asker.group.groupNames()).map(text);
      assert.equal(names.filter((name) => name === first).length, 1);
      assert.equal(names.filter((name) => name === second).length, 1);
    },
  },
  {
    title: 'a group that nobody is in has no members and no name',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const { group } = await fixture.open(0);
      assert.deepEqual(await group.membersOf(name), []);
      assert.equal((await group.groupNames()).map(text).includes(name), false);
      assert.equal(await outcomeOf(group.membersOf('')), 'INVALID_PARAM');
      assert.equal(await outcomeOf(group.membersOf('x'.repeat(129))), 'NAME_TOO_LONG');
    },
  },
  {
    title: 'a zero byte at the end makes another group of a name',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [plain, terminated] = [await fixture.open(0), await fixture.open(1)];
      await plain.group.join(name);
      await terminated.group.join(Buffer.from(`${name}\0`));
      await terminated.group.multicast(Buffer.from('nobody else hears this'));
      assert.deepEqual(sorted(await plain.group.membership()), sorted([plain.group.self]));
      assert.equal((await plain.records()).some(({ kind }) => kind === 'message'), false);
      const names = (await plain.group.groupNames()).map(text);
      assert.deepEqual(names.filter((one) => one.startsWith(name)).sort(), [name, `${name}\0`]);
    },
  },
  {
    title: 'any bytes name a group, and all 128 of them count',
    needs: [],
    async run(fixture, assert) {
      const bytes = Uint8Array.from({ length: 128 }, (_, index) => 255 - index);
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(bytes);
      await two.group.join(bytes.with(127, 1));
      assert.deepEqual(sorted(await two.group.membersOf(bytes)), sorted([one.group.self]));
      assert.deepEqual(sorted(await one.group.membership()), sorted([one.group.self]));
    },
  },
  {
    title: 'several buffers arrive as one message, empty ones among them',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      const buffers = ['several ', '', 'buffers, ', 'one message'].map((part) => Buffer.from(part));
      await one.group.multicast(buffers);
      await one.group.multicast([]);
      const [first, second] = await messagesOf(two, 2);
      assert.equal(text(first ?? Buffer.alloc(0)), 'several buffers, one message');
      assert.equal(second?.byteLength, 0);
      const half = new Uint8Array((one.group.payloadBytesMax >> 1) + 1);
      assert.equal(await outcomeOf(one.group.multicast([half, half])), 'TOO_BIG');
    },
  },
  {
    title: 'every guarantee is taken, and keeps the sender\'s order',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      const guarantees = ['safe', 'unordered', 'agreed', 'fifo'] as const;
      await Promise.all(guarantees.map((guarantee) =>
        one.group.multicast(Buffer.from(guarantee), guarantee)));
      assert.deepEqual((await messagesOf(two, 4)).map(text), [...guarantees]);
    },
  },
];
