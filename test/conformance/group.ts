import type { Cpg, GroupView, Member } from '../../src/cpg/index.js';
import { eventually, outcomeOf, type ConformanceCase } from './conformance-case.js';

export type GroupCalls = Pick<Cpg,
  'self' | 'payloadBytesMax' | 'join' | 'multicast' | 'leave' | 'close' |
  'membership' | 'groupNames' | 'groups' | 'membersOf' | 'localNodeId'>;

/** What a member was told, in the order of delivery. */
export type GroupRecord =
  | { readonly kind: 'message'; readonly from: Member; readonly payload: Uint8Array }
  | { readonly kind: 'view'; readonly view: GroupView }
  | { readonly kind: 'ring'; readonly nodeIds: readonly number[] }
  | { readonly kind: 'lost'; readonly code: string };

export interface GroupMember {
  readonly group: GroupCalls;
  /** Everything since it was opened. */
  records(): Promise<readonly GroupRecord[]>;
}

/** `node` is 0, 1 or 2: the first, second or third node of a running three-node cluster. */
export interface GroupFixture {
  /** Starts a process on the node that opens a group, and records from the beginning. */
  open(node: number): Promise<GroupMember>;
  /** Kills that process with SIGKILL. */
  kill(member: GroupMember): Promise<void>;
  /** With the capability `power`: takes the node's power. */
  powerOff(node: number): Promise<void>;
  /** A group name that was not used before. */
  freshName(): string;
  close(): Promise<void>;
}

export type GroupCapability = 'power';
type Case = ConformanceCase<GroupFixture, GroupCapability>;

const LOAD_MESSAGES = 100;

function isSame(a: Member, b: Member): boolean {
  return a.nodeId === b.nodeId && a.pid === b.pid;
}

function textsOf(records: readonly GroupRecord[]): readonly string[] {
  return records.flatMap((record) => record.kind === 'message'
    ? [`${record.from.nodeId}/${record.from.pid} ${Buffer.from(record.payload).toString()}`] : []);
}

function viewsOf(records: readonly GroupRecord[]): readonly GroupView[] {
  return records.flatMap((record) => (record.kind === 'view' ? [record.view] : []));
}

export async function seesMembers(member: GroupMember, count: number): Promise<void> {
  await eventually(`${count} members`, () => member.records(), (records) =>
    viewsOf(records).at(-1)?.members.length === count);
}

/** Three members, one per node, that have all seen each other. */
export async function joinThree(
  fixture: GroupFixture,
): Promise<[GroupMember, GroupMember, GroupMember]> {
  const name = fixture.freshName();
  const members: [GroupMember, GroupMember, GroupMember] =
    [await fixture.open(0), await fixture.open(1), await fixture.open(2)];
  for (const member of members) await member.group.join(name);
  for (const member of members) await seesMembers(member, 3);
  return members;
}

/** The first view that says that `gone` has left, and what came before it. */
async function departure(witness: GroupMember, gone: Member) {
  const isIt = (record: GroupRecord): boolean => record.kind === 'view'
    && record.view.left.some((change) => isSame(change, gone));
  const records = await eventually('the departure', () => witness.records(), (all) => all.some(isIt));
  const index = records.findIndex(isIt);
  const record = records[index];
  if (record?.kind !== 'view') throw new Error('just found');
  return { view: record.view, before: records.slice(0, index), after: records.slice(index + 1) };
}

export const groupCases: readonly Case[] = [
  {
    title: 'the first thing a member is told is its own join, then the ring',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const first = await fixture.open(0);
      const second = await fixture.open(1);
      await first.group.join(name);
      await second.group.join(name);
      for (const [member, count] of [[first, 1], [second, 2]] as const) {
        const records = await eventually('view and ring', () => member.records(), (all) =>
          all.some(({ kind }) => kind === 'ring'));
        const [view] = records;
        if (view?.kind !== 'view') throw new Error('the first record is no view');
        const { pid, nodeId } = member.group.self;
        assert.deepEqual(view.view.joined, [{ nodeId, pid, reason: 'join' }]);
        assert.deepEqual(view.view.left, []);
        assert.equal(view.view.members.length, count);
      }
      await seesMembers(first, 2);
    },
  },
  {
    title: 'a multicast resolves after it has come back to its sender, and reaches the others',
    needs: [],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      await one.group.multicast(Buffer.from('hello'));
      const expected = [`${one.group.self.nodeId}/${one.group.self.pid} hello`];
      assert.deepEqual(textsOf(await one.records()), expected);
      for (const member of [two, three]) {
        const records = await eventually('the message', () => member.records(), (all) =>
          textsOf(all).length > 0);
        assert.deepEqual(textsOf(records), expected);
      }
    },
  },
  {
    title: 'all members see all messages in one order, under load from all of them',
    needs: [],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const sent: Promise<void>[] = [];
      for (let index = 0; index < LOAD_MESSAGES; index += 1) {
        for (const { group } of members) sent.push(group.multicast(Buffer.from(String(index))));
        if (index % 10 === 0) await sent.at(-1);
      }
      await Promise.all(sent);
      const seen: (readonly string[])[] = [];
      for (const member of members) {
        const records = await eventually('all messages', () => member.records(), (all) =>
          textsOf(all).length >= LOAD_MESSAGES * 3);
        seen.push(textsOf(records));
      }
      assert.equal(seen[0]?.length, LOAD_MESSAGES * 3);
      assert.deepEqual(seen[1], seen[0]);
      assert.deepEqual(seen[2], seen[0]);
      for (const { group } of members) {
        const prefix = `${group.self.nodeId}/${group.self.pid} `;
        const own = seen[0]?.filter((text) => text.startsWith(prefix));
        const inOrder = Array.from({ length: LOAD_MESSAGES }, (_, index) => `${prefix}${index}`);
        assert.deepEqual(own, inOrder);
      }
    },
  },
  {
    title: 'a message of the largest size arrives whole, a larger one is refused',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      const bytes = one.group.payloadBytesMax;
      const payload = Uint8Array.from({ length: bytes }, (_, index) => (index * 31) % 251);
      await one.group.multicast(payload);
      const records = await eventually('the message', () => two.records(), (all) =>
        all.some(({ kind }) => kind === 'message'));
      const message = records.find((record) => record.kind === 'message');
      assert.ok(message !== undefined && Buffer.from(message.payload).equals(payload));
      const tooBig = one.group.multicast(new Uint8Array(bytes + 1));
      assert.equal(await outcomeOf(tooBig), 'TOO_BIG');
    },
  },
  {
    title: 'a member that leaves is seen to leave, after everything that it has sent',
    needs: [],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      const sent = Array.from({ length: 10 }, (_, index) =>
        one.group.multicast(Buffer.from(String(index))));
      await Promise.all(sent);
      await one.group.leave();
      const { nodeId, pid } = one.group.self;
      for (const witness of [two, three]) {
        const { view, before, after } = await departure(witness, one.group.self);
        assert.deepEqual(view.left, [{ nodeId, pid, reason: 'leave' }]);
        assert.equal(view.members.length, 2);
        assert.equal(textsOf(before).length, 10);
        assert.deepEqual(textsOf(after), []);
      }
      assert.equal(await outcomeOf(one.group.multicast(Buffer.from('late'))), 'NOT_JOINED');
    },
  },
  {
    title: 'a member that is killed is seen as procdown, after everything that it had ordered',
    needs: [],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      await one.group.multicast(Buffer.from('last words'));
      const { nodeId, pid } = one.group.self;
      await fixture.kill(one);
      for (const witness of [two, three]) {
        const { view, before } = await departure(witness, { nodeId, pid });
        assert.deepEqual(view.left, [{ nodeId, pid, reason: 'procdown' }]);
        assert.equal(textsOf(before).length, 1);
      }
    },
  },
  {
    title: 'closing without a leave is seen as procdown',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      await one.group.close();
      const { view } = await departure(two, one.group.self);
      assert.equal(view.left[0]?.reason, 'procdown');
      assert.equal(await outcomeOf(one.group.multicast(Buffer.from('late'))), 'CLOSED');
    },
  },
  {
    title: 'before a join nothing can be sent or left',
    needs: [],
    async run(fixture, assert) {
      const { group } = await fixture.open(0);
      assert.equal(await outcomeOf(group.multicast(Buffer.from('x'))), 'NOT_JOINED');
      assert.equal(await outcomeOf(group.leave()), 'NOT_JOINED');
    },
  },
  {
    title: 'a second join is refused, and the first stands',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const { group } = await fixture.open(0);
      await group.join(name);
      assert.equal(await outcomeOf(group.join(name)), 'EXIST');
      assert.equal(await outcomeOf(group.multicast(Buffer.from('still in'))), 'ok');
    },
  },
  {
    title: 'a group name that is empty or longer than 128 bytes is refused',
    needs: [],
    async run(fixture, assert) {
      const { group } = await fixture.open(0);
      assert.equal(await outcomeOf(group.join('')), 'INVALID_PARAM');
      assert.equal(await outcomeOf(group.join('ä'.repeat(65))), 'NAME_TOO_LONG');
    },
  },
  {
    title: 'a node without power is seen as nodedown by the others, then comes their new ring',
    needs: ['power'],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      const { nodeId, pid } = three.group.self;
      await fixture.powerOff(2);
      for (const witness of [one, two]) {
        const { view } = await departure(witness, { nodeId, pid });
        assert.deepEqual(view.left, [{ nodeId, pid, reason: 'nodedown' }]);
        await eventually('the ring after it', () => departure(witness, { nodeId, pid }),
          ({ after }) => after.some((record) =>
            record.kind === 'ring' && !record.nodeIds.includes(nodeId)));
      }
    },
  },
];
