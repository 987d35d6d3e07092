import { createHash } from 'node:crypto';
import { createRandom, type Random } from '../../../src/embedded/index.js';
import { eventually, outcomeOf } from '../conformance-case.js';
import {
  hears, historyOf, joinThree, linesOf, sendAll, textsOf,
  type GroupCase, type GroupRecord, type Three,
} from './fixture.js';

const LOAD_MESSAGES = 100;
const RANDOM_MESSAGES = 240;
const RANDOM_BYTES_MAX = 60_000;

/** What is sent and in which order; content of any bytes, told apart by hash. */
function randomPayload(random: Random, tag: string): Buffer {
  const payload = Buffer.alloc(Math.floor(RANDOM_BYTES_MAX * random() ** 4));
  for (let at = 0; at < payload.length; at += 1) payload[at] = Math.floor(random() * 256);
  return Buffer.concat([Buffer.from(`${tag} `), payload]);
}

function fingerprints(records: readonly GroupRecord[]): readonly string[] {
  return records.flatMap((record) => record.kind === 'message'
    ? [`${record.from.nodeId} ${hashOf(record.payload)}`] : []);
}

function hashOf(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex').slice(0, 16);
}

async function settledPrints(members: Three, count: number): Promise<readonly string[][]> {
  const isMessage = ({ kind }: GroupRecord): boolean => kind === 'message';
  return Promise.all(members.map(async (member, index) => [...fingerprints(await eventually(
    `${count} messages at member ${index}`, () => member.records(),
    (all) => all.filter(isMessage).length >= count))]));
}

/** Total order, self-delivery, content. */
export const messageCases: readonly GroupCase[] = [
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
    title: 'random messages from random senders are one sequence for all, nothing lost, nothing twice',
    needs: [],
    async run(fixture, assert, drawSeed) {
      const random = createRandom(drawSeed());
      const members = await joinThree(fixture);
      const expected: string[] = [];
      let bytesUnsettled = 0;
      let sent: Promise<void>[] = [];
      for (let index = 0; index < RANDOM_MESSAGES; index += 1) {
        const sender = members[Math.floor(random() * 3)] ?? members[0];
        const payload = randomPayload(random, String(index));
        expected.push(`${sender.group.self.nodeId} ${hashOf(payload)}`);
        sent.push(sender.group.multicast(payload));
        bytesUnsettled += payload.byteLength;
        if (random() < 0.05 || bytesUnsettled > 1 << 20) {
          await Promise.all(sent);
          [sent, bytesUnsettled] = [[], 0];
        }
      }
      await Promise.all(sent);
      const [first = [], second, third] = await settledPrints(members, RANDOM_MESSAGES);
      assert.deepEqual(second, first);
      assert.deepEqual(third, first);
      assert.deepEqual([...first].sort(), [...expected].sort());
      for (const { group } of members) {
        const own = (line: string): boolean => line.startsWith(`${group.self.nodeId} `);
        assert.deepEqual(first.filter(own), expected.filter(own));
      }
    },
  },
  {
    title: 'a multicast takes a copy: what the caller writes afterwards is not sent',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      const payload = Buffer.from('before');
      const sent = one.group.multicast(payload);
      payload.write('AFTER!');
      await sent;
      const records = await hears(two, 'before');
      assert.equal(textsOf(records).length, 1);
    },
  },
  {
    title: 'equal messages each come back, as often as they were sent, and empty ones too',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      await sendAll(one, ['same', '', 'same', '', '', 'same', 'end']);
      const { nodeId, pid } = one.group.self;
      const expected = ['same', '', 'same', '', '', 'same', 'end'].map((text) => `${nodeId}/${pid} ${text}`);
      assert.deepEqual(textsOf(await hears(two, 'end')), expected);
      assert.deepEqual(textsOf(await one.records()), expected);
    },
  },
  {
    title: 'messages and the views of joins, leaves and crashes are one sequence for those who stay',
    needs: [],
    async run(fixture, assert, drawSeed) {
      const random = createRandom(drawSeed());
      const name = fixture.freshName();
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(name);
      await two.group.join(name);
      let count = 0;
      const burst = (members: readonly (typeof one)[]): Promise<unknown> => Promise.all(
        Array.from({ length: 30 }, () => {
          count += 1;
          const sender = members[Math.floor(random() * members.length)] ?? one;
          return sender.group.multicast(Buffer.from(`burst ${count}`));
        }));
      for (let round = 0; round < 4; round += 1) {
        const guest = await fixture.open(2);
        const meanwhile = burst([one, two]);
        await guest.group.join(name);
        const last = guest.group.multicast(Buffer.from(`last of ${round}`));
        const go = random() < 0.5 ? () => guest.group.leave() : () => fixture.kill(guest);
        await last;
        await Promise.all([meanwhile, burst([one, two]), go()]);
      }
      const end = (await eventually('the last departure', () => one.records(), (all) =>
        linesOf(all).filter((line) => / left \[\d/.test(line)).length === 4)).length;
      await sendAll(one, ['the end']);
      const first = linesOf(await hears(one, 'the end'));
      const second = linesOf(await hears(two, 'the end'));
      assert.ok(end > 0);
      assert.deepEqual(second, first.slice(first.length - second.length));
      for (let round = 0; round < 4; round += 1) {
        const said = first.findIndex((line) => line.endsWith(`last of ${round}`));
        const gone = first.findIndex((line, at) => at > said && / left \[\d/.test(line));
        assert.ok(said >= 0 && gone > said);
        assert.ok(first.slice(gone).every((line) => !line.endsWith(`last of ${round}`)));
      }
    },
  },
  {
    title: 'what was sent before a leave, awaited or not, is either refused or told to all before it',
    needs: [],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      const outcomes = Array.from({ length: 300 }, (_, index) =>
        outcomeOf(three.group.multicast(Buffer.from(`parting ${index}`))));
      await three.group.leave();
      const settled = await Promise.all(outcomes);
      assert.ok(settled.every((outcome) => outcome === 'ok' || outcome === 'NOT_JOINED'));
      const told = settled.filter((outcome) => outcome === 'ok').length;
      for (const member of [one, two]) {
        const history = await eventually('the leave', async () => historyOf(await member.records()),
          (lines) => lines.at(-1) === 'view [1 2] left [3 leave] joined []');
        assert.equal(history.filter((line) => line.includes(' parting ')).length, told);
      }
    },
  },
];
