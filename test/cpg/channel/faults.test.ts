import test, { type ExecutionContext } from 'ava';
import { openChannel, type Channel } from '../../../src/cpg/index.js';
import { createCluster, createRandom, type Random } from '../../../src/embedded/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { chooseSeed } from '../../support/property-seed.js';

const NODE_IDS = [1, 2, 3] as const;
const ROUNDS = 5;
const STEPS = 120;
const LIMITS = {
  messageBytesMax: 4_000, batchBytesMax: 200, chunkBytesMax: 100, queuedBytesMax: 10_000,
  assemblyBytesMax: 12_000, inFlightFramesMax: 4,
};

/** One member: what it got, and how each of its multicasts ended. */
interface Witness {
  readonly nodeId: number;
  readonly channel: Channel;
  readonly lines: string[];
  readonly outcomes: Map<string, string>;
  sent: number;
  rejected: number;
}

function witness(nodeId: number, channel: Channel): Witness {
  const made: Witness = {
    nodeId, channel, lines: [], outcomes: new Map(), sent: 0, rejected: 0,
  };
  channel.on('message', (_from, payload) => {
    made.lines.push(Buffer.from(payload).toString().replaceAll('.', ''));
  });
  channel.on('disconnected', () => made.lines.push('disconnected'));
  channel.on('view', (_view, fresh) => {
    if (fresh) made.lines.push('fresh');
  });
  channel.on('rejected', () => (made.rejected += 1));
  return made;
}

function send(member: Witness, bytes: number): void {
  member.sent += 1;
  const name = `${member.nodeId}-${member.sent}`;
  member.outcomes.set(name, 'pending');
  member.channel.multicast(Buffer.from(name.padEnd(bytes, '.'))).then(
    () => member.outcomes.set(name, 'ok'),
    (thrown: unknown) => member.outcomes.set(name, String((thrown as { code?: unknown }).code)),
  );
}

/** Three channels on an embedded cluster to which faults happen by chance; then a quiet time. */
async function simulate(random: Random, faults: readonly string[]): Promise<readonly Witness[]> {
  const clock = new FakeClock();
  const cluster = createCluster({
    nodes: NODE_IDS.map((id) => ({ id, name: `n${id}` })), clock,
    timings: { detectionMs: 30, ringMs: 5, jitterMs: 3 }, seed: Math.floor(random() * 1e9),
  });
  const members = NODE_IDS.map((id) => {
    const { openGroup, clock: ownClock } = cluster.node(id).startProcess();
    return witness(id, openChannel({ openGroup, clock: ownClock, ...LIMITS }));
  });
  const joins = members.map(({ channel }) => channel.join('g'));
  await clock.advance(100);
  await Promise.all(joins);
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  for (let step = 0; step < STEPS; step += 1) {
    const id = pick(NODE_IDS);
    switch (random() < 0.1 ? pick(faults) : 'send') {
      case 'kill': cluster.killCorosync(id); break;
      case 'start': cluster.startCorosync(id); break;
      case 'cut': cluster.cut([id]); break;
      case 'heal': cluster.heal(); break;
      default: send(pick(members), random() < 0.3 ? 50 + Math.floor(random() * 3_000) : 1);
    }
    await clock.advance(Math.floor(random() * 6));
  }
  cluster.heal();
  for (const id of NODE_IDS) cluster.startCorosync(id);
  await clock.advance(30_000);
  for (const member of members) send(member, 500);
  await clock.advance(2_000);
  const closes = members.map(({ channel }) => channel.close());
  await clock.advance(100);
  await Promise.all(closes);
  return members;
}

/** What holds whatever happens. */
function assertSound(t: ExecutionContext, members: readonly Witness[]): void {
  for (const { nodeId, lines, outcomes, sent } of members) {
    const messages = lines.filter((line) => line.includes('-'));
    t.is(new Set(messages).size, messages.length, 'no message comes twice');
    for (const sender of NODE_IDS) {
      const numbers = messages.filter((line) => line.startsWith(`${sender}-`))
        .map((line) => Number(line.split('-')[1]));
      t.deepEqual(numbers, [...numbers].sort((a, b) => a - b), 'each sender is heard in order');
    }
    t.is(outcomes.size, sent);
    for (const [name, outcome] of outcomes) {
      t.true(['ok', 'LOST', 'NOT_JOINED'].includes(outcome), `${name} of ${nodeId}: ${outcome}`);
      if (outcome === 'ok') t.true(messages.includes(name), 'what resolved has come back');
      if (outcome === 'NOT_JOINED') t.false(messages.includes(name), 'what was refused was not sent');
    }
    const last = NODE_IDS.map((id) => messages.findLast((line) => line.startsWith(`${id}-`)));
    t.deepEqual(last, members.map((other) => `${other.nodeId}-${other.sent}`), 'all are together');
    const changes = lines.filter((line) => !line.includes('-'));
    const turns = changes.map((_, index) => (index % 2 === 0 ? 'fresh' : 'disconnected'));
    t.deepEqual(changes, turns, 'each connection begins afresh, and its end is told');
  }
}

test('property: corosyncs that die and return at random: sound everywhere, and whole at the end', async (t) => {
  const random = createRandom(chooseSeed(t));
  for (let round = 0; round < ROUNDS; round += 1) {
    assertSound(t, await simulate(random, ['kill', 'start', 'start']));
  }
});

test('property: links that are cut and healed at random: sound everywhere, and whole at the end', async (t) => {
  const random = createRandom(chooseSeed(t));
  for (let round = 0; round < ROUNDS; round += 1) {
    const members = await simulate(random, ['cut', 'heal', 'heal']);
    assertSound(t, members);
    for (const { outcomes } of members) t.false([...outcomes.values()].includes('LOST'));
  }
});

test('property: without a fault all members hear exactly the same', async (t) => {
  const random = createRandom(chooseSeed(t));
  for (let round = 0; round < ROUNDS; round += 1) {
    const members = await simulate(random, ['none']);
    assertSound(t, members);
    for (const { lines, rejected } of members) {
      t.deepEqual(lines, members[0]?.lines);
      t.is(rejected, 0);
    }
    t.is(members[0]?.lines.length, 1 + members.reduce((sum, { sent }) => sum + sent, 0));
  }
});
