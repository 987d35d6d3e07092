import type { CpgErrorCode, GroupView, Member, RejectReason } from '../../src/cpg/index.js';
import { eventually, outcomeOf, outcomeWithin, type ConformanceCase } from './conformance-case.js';

/** What a channel told, in order. A message is told by its text, or by its digest when long. */
export type ChannelRecord =
  | { readonly kind: 'message'; readonly from: Member; readonly bytes: number;
      readonly text: string }
  | { readonly kind: 'view'; readonly view: GroupView; readonly fresh: boolean }
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly code: CpgErrorCode }
  | { readonly kind: 'rejected'; readonly from: Member; readonly reason: RejectReason }
  | { readonly kind: 'foreign'; readonly reason: string }
  | { readonly kind: 'gap' };

/** The calls of one channel. Messages are named by a text or by (bytes, seed): see `patternOf`. */
export interface ChannelMember {
  readonly self: Member;
  join(name: string): Promise<void>;
  multicast(text: string): Promise<void>;
  multicastPattern(bytes: number, seed: number): Promise<void>;
  /** Sends `count` texts `prefix-0`, `prefix-1`, ... as fast as there is room, then flushes. */
  sendMany(prefix: string, count: number): Promise<void>;
  leave(): Promise<void>;
  close(): Promise<void>;
  records(): Promise<readonly ChannelRecord[]>;
}

/** `node` is 0, 1 or 2: the first, second or third node of a running three-node cluster. */
export interface ChannelFixture {
  open(node: number, chunkBytesMax?: number): Promise<ChannelMember>;
  /** A raw member of the same group: what it sends is no frame of a channel. */
  sendRaw(node: number, group: string, payload: Uint8Array): Promise<void>;
  /** A raw member of the same group that only listens; gives the frames heard since then. */
  listenRaw(node: number, group: string): Promise<() => Promise<number>>;
  kill(member: ChannelMember): Promise<void>;
  /** With the capability `restart`: kill -9 of that node's corosync, or its start. */
  killCorosync(node: number): Promise<void>;
  startCorosync(node: number): Promise<void>;
  freshName(): string;
  close(): Promise<void>;
}

export type ChannelCapability = 'restart';
type Case = ConformanceCase<ChannelFixture, ChannelCapability>;

const SMALL_MESSAGES = 500;
const LARGE_BYTES = 5 << 20;
/** Takes so many frames that nobody sends it between two looks. */
const HUGE_BYTES = 48 << 20;
const SMALL_CHUNK_BYTES = 8 << 10;

/** The bytes of a long message. */
export function patternOf(bytes: number, seed: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  const words = new Uint32Array(payload.buffer, 0, bytes >> 2);
  let word = seed >>> 0;
  for (let index = 0; index < words.length; index += 1) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = word;
  }
  return payload;
}

function linesOf(records: readonly ChannelRecord[]): readonly string[] {
  return records.flatMap((record) => record.kind === 'message'
    ? [`${record.from.nodeId}/${record.from.pid} ${record.bytes} ${record.text}`] : []);
}

async function untilMessages(member: ChannelMember, count: number): Promise<readonly string[]> {
  const records = await eventually(`${count} messages`, () => member.records(), (all) =>
    linesOf(all).length >= count);
  return linesOf(records);
}

async function untilMembers(member: ChannelMember, count: number): Promise<void> {
  await eventually(`${count} members`, () => member.records(), (all) =>
    all.findLast((record) => record.kind === 'view')?.view.members.length === count);
}

async function joinThree(
  fixture: ChannelFixture, name = fixture.freshName(), chunkBytesMax?: number,
): Promise<[ChannelMember, ChannelMember, ChannelMember]> {
  const members: [ChannelMember, ChannelMember, ChannelMember] = [
    await fixture.open(0, chunkBytesMax), await fixture.open(1, chunkBytesMax),
    await fixture.open(2, chunkBytesMax),
  ];
  for (const member of members) await member.join(name);
  for (const member of members) await untilMembers(member, 3);
  return members;
}

function rejectionsOf(records: readonly ChannelRecord[]): readonly RejectReason[] {
  return records.flatMap((record) => (record.kind === 'rejected' ? [record.reason] : []));
}

export const channelCases: readonly Case[] = [
  {
    title: 'connected comes first, then the fresh view, and later views are not fresh',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const first = await fixture.open(0);
      await first.join(name);
      const second = await fixture.open(1);
      await second.join(name);
      await untilMembers(first, 2);
      const told = (await first.records()).map((record) =>
        record.kind === 'view' ? `view ${record.view.members.length} ${record.fresh}` : record.kind);
      assert.deepEqual(told, ['connected', 'view 1 true', 'view 2 false']);
    },
  },
  {
    title: 'small messages of all members arrive everywhere in one order, each sender in its own',
    needs: [],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      await Promise.all(members.map((member, index) => member.sendMany(`m${index}`, SMALL_MESSAGES)));
      const seen = await Promise.all(members.map((member) =>
        untilMessages(member, 3 * SMALL_MESSAGES)));
      assert.deepEqual(seen[1], seen[0]);
      assert.deepEqual(seen[2], seen[0]);
      for (const index of [0, 1, 2]) {
        const own = seen[0]?.filter((line) => line.includes(` m${index}-`));
        const texts = own?.map((line) => line.split(' ')[2]);
        assert.deepEqual(texts, Array.from({ length: SMALL_MESSAGES }, (_, n) => `m${index}-${n}`));
      }
    },
  },
  {
    title: 'large messages of all members at once arrive whole, in one order, small ones between',
    needs: [],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      await Promise.all(members.flatMap((member, index) => [
        member.multicast(`before ${index}`),
        member.multicastPattern(LARGE_BYTES, index),
        member.multicast(`after ${index}`),
      ]));
      const seen = await Promise.all(members.map((member) => untilMessages(member, 9)));
      assert.equal(seen[0]?.length, 9);
      assert.deepEqual(seen[1], seen[0]);
      assert.deepEqual(seen[2], seen[0]);
      for (const { self } of members) {
        const sizes = seen[0]?.filter((line) => line.startsWith(`${self.nodeId}/${self.pid} `))
          .map((line) => line.split(' ')[1]);
        assert.deepEqual(sizes, ['8', String(LARGE_BYTES), '7']);
      }
      for (const member of members) assert.deepEqual(rejectionsOf(await member.records()), []);
      const digests = seen[0]?.filter((line) => line.includes(` ${LARGE_BYTES} `));
      assert.equal(new Set(digests?.map((line) => line.split(' ')[2])).size, 3);
    },
  },
  {
    title: 'a member killed in mid-message is rejected as left, and the others go on',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, two, three] = await joinThree(fixture, name, SMALL_CHUNK_BYTES);
      const gone = one.self;
      const frames = await fixture.listenRaw(1, name);
      // It never settles, or only with the end of its process.
      one.multicastPattern(HUGE_BYTES, 1).catch(() => 'killed');
      await eventually('its first chunk', frames, (count) => count > 0);
      await fixture.kill(one);
      for (const witness of [two, three]) {
        const records = await eventually('the departure', () => witness.records(), (all) =>
          all.some((record) => record.kind === 'view'
            && record.view.left.some(({ pid }) => pid === gone.pid)));
        assert.deepEqual(rejectionsOf(records), ['left']);
        const rejected = records.findIndex(({ kind }) => kind === 'rejected');
        assert.equal(records[rejected + 1]?.kind, 'view');
        assert.deepEqual(linesOf(records), []);
      }
      await two.multicastPattern(LARGE_BYTES, 2);
      assert.equal((await untilMessages(three, 1)).length, 1);
    },
  },
  {
    title: 'who joins in mid-message is told that it misses it, and hears what comes after',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, two] = [
        await fixture.open(0, SMALL_CHUNK_BYTES), await fixture.open(1, SMALL_CHUNK_BYTES)];
      await one.join(name);
      const frames = await fixture.listenRaw(2, name);
      const sent = one.multicastPattern(HUGE_BYTES, 1);
      await eventually('its first chunk', frames, (count) => count > 0);
      await two.join(name);
      await sent;
      await one.multicast('after');
      await eventually('the last message', () => two.records(), (all) =>
        linesOf(all).some((line) => line.endsWith(' after')));
      const late = await two.records();
      assert.deepEqual(rejectionsOf(late), ['no-start']);
      const lines = linesOf(late);
      assert.deepEqual(lines, (await untilMessages(one, 2)).slice(-1));
    },
  },
  {
    title: 'a foreign program on the group is told and disturbs nothing',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, two] = await joinThree(fixture, name);
      await fixture.sendRaw(2, name, Buffer.from('I am a C program'));
      await fixture.sendRaw(2, name, Buffer.from('HFCH\u0002 from the future'));
      await one.multicast('still here');
      await untilMessages(two, 1);
      const foreign = (await two.records()).flatMap((record) =>
        record.kind === 'foreign' ? [record.reason] : []);
      assert.deepEqual(foreign, ['magic', 'version']);
    },
  },
  {
    title: 'leaving sends what was taken, is seen as leave, and closes the channel',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      const { pid } = one.self;
      const last = one.multicastPattern(LARGE_BYTES, 7);
      await one.leave();
      await last;
      const records = await eventually('the departure', () => two.records(), (all) =>
        all.some((record) => record.kind === 'view' && record.view.left.length > 0));
      const view = records.findLast((record) => record.kind === 'view');
      assert.deepEqual(view?.view.left.map((change) => [change.pid, change.reason]), [[pid, 'leave']]);
      assert.equal(linesOf(records).length, 1);
      assert.equal(await outcomeOf(one.multicast('late')), 'CLOSED');
      assert.equal(await outcomeOf(one.leave()), 'CLOSED');
      await one.close();
    },
  },
  {
    title: 'corosync dies and returns: unsettled messages are LOST, the channel comes back by itself',
    needs: ['restart'],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      await one.multicast('before');
      const mark = (await one.records()).length;
      const unsettled = outcomeWithin(one.multicastPattern(HUGE_BYTES, 3), 15_000);
      await fixture.killCorosync(0);
      assert.equal(await unsettled, 'LOST');
      await eventually('disconnected', () => one.records(), (all) =>
        all.slice(mark).some((record) => record.kind === 'disconnected' && record.code === 'LOST'));
      assert.equal(await outcomeOf(one.multicast('nobody there')), 'NOT_JOINED');
      await fixture.startCorosync(0);
      const records = await eventually('a fresh view', () => one.records(), (all) =>
        all.slice(mark).some((record) => record.kind === 'view' && record.fresh));
      const kinds = records.slice(mark).map(({ kind }) => kind);
      const order = kinds.filter((kind) => kind !== 'message' && kind !== 'gap');
      assert.deepEqual(order.slice(0, 3), ['disconnected', 'connected', 'view']);
      // It may be alone at first: the rings merge in their own time.
      await untilMembers(one, 3);
      await untilMembers(two, 3);
      await one.multicast('back');
      await eventually('the message', () => two.records(), (all) =>
        linesOf(all).some((line) => line.endsWith(' back')));
    },
  },
];
