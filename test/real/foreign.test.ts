import { crc32 } from 'node:zlib';
import anyTest, { type TestFn } from 'ava';
import type { BoundChild } from '../lab/host/bound-child.js';
import { waitUntil } from '../lab/host/wait.js';
import { NetnsCluster } from '../netns/cluster.js';
import { buildPrograms, type Program } from './foreign/programs.js';
import { Record } from './support/record.js';
import { RemoteGroup } from './support/remote-group.js';
import { TALLY_BEGIN, TALLY_END } from './support/tally.js';

interface Context {
  cluster: NetnsCluster;
  programs: Readonly<{ [name in Program]: string }>;
}
const test = anyTest as TestFn<Context>;

/** The group of cpgbench and cpgverify. */
const BENCH_GROUP = 'cpg_bm';
const PATIENCE_MS = 40_000;
/** How many messages each of ours sends into the flood, and how many it keeps under way. */
const OURS_EACH = 200;
const OURS_AT_ONCE = 8;
const FLOOD_MESSAGES_MIN = 500;

test.before(async (t) => {
  t.timeout(240_000);
  t.context.programs = await buildPrograms();
  t.context.cluster = await NetnsCluster.up({ tokenMs: 1_000 });
});
test.after.always(async (t) => {
  await t.context.cluster?.down();
});

/** A foreign program on a node, its output as lines; it ends with the node at the latest. */
class Foreign {
  readonly child: BoundChild;
  output = '';

  constructor(cluster: NetnsCluster, node: number, program: string, args: readonly string[] = []) {
    // Their output goes through stdio, which holds it back where it is no terminal.
    this.child = cluster.node(node).spawn('stdbuf', ['-oL', program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const add = (chunk: Buffer): void => {
      this.output = `${this.output}${chunk.toString('latin1')}`.slice(-200_000);
    };
    this.child.process.stdout?.on('data', add);
    this.child.process.stderr?.on('data', add);
  }

  type(line: string): void {
    this.child.process.stdin?.write(`${line}\n`);
  }

  async shows(pattern: RegExp): Promise<string> {
    return waitUntil(() => pattern.exec(this.output)?.[0] ?? null, {
      what: `a foreign program to print ${String(pattern)}`, timeoutMs: PATIENCE_MS, intervalMs: 20,
      explain: () => `${this.child.ending}; printed: ${this.output.slice(-2_000)}`,
    });
  }

  async exit(): Promise<number | null> {
    await this.child.ended(PATIENCE_MS);
    return this.child.process.exitCode;
  }
}

/** Sends all of them, few at a time; every one of them must come back. */
async function sendPaced(group: RemoteGroup, payloads: readonly Uint8Array[]): Promise<void> {
  const next = payloads[Symbol.iterator]();
  await Promise.all(Array.from({ length: OURS_AT_ONCE }, async () => {
    for (const payload of next) await group.multicast(payload);
  }));
}

async function tallied(group: RemoteGroup) {
  return waitUntil(async () => {
    const tally = await group.tally();
    return tally.ended ? tally : null;
  }, { what: 'the end of the count', timeoutMs: PATIENCE_MS, intervalMs: 50 });
}

test.serial('under the flood of cpgbench our members keep one order and get through', async (t) => {
  t.timeout(120_000);
  const { cluster, programs } = t.context;
  const [one, three] =
    [await RemoteGroup.open(cluster.node(1), true), await RemoteGroup.open(cluster.node(3), true)];
  const records = [Record.ofGroup(one), Record.ofGroup(three)] as const;
  try {
    await one.join(BENCH_GROUP);
    await three.join(BENCH_GROUP);
    const bench = new Foreign(cluster, 2, programs.cpgbench);
    await records[0].waitFor('view [1 2 3] left [] joined [2 join]');
    await waitUntil(async () => (await one.tally()).foreign > FLOOD_MESSAGES_MIN, {
      what: 'the flood', timeoutMs: PATIENCE_MS,
    });
    const mark = records.map(({ lines }) => lines.length);
    await one.multicast(Buffer.from(TALLY_BEGIN));
    const begunMs = performance.now();
    const payloads = Array.from({ length: OURS_EACH }, (_, index) =>
      Buffer.from(`ours ${index} `.repeat(1 + (index % 50))));
    await Promise.all([one, three].map((group) => sendPaced(group, payloads)));
    const elapsedMs = performance.now() - begunMs;
    await one.multicast(Buffer.from(TALLY_END));
    const [first, second] = [await tallied(one), await tallied(three)];
    // Theirs goes on undisturbed: it runs, and what it sends still comes.
    t.true(bench.child.alive, bench.output);
    const before = (await one.tally()).foreign;
    await waitUntil(async () => (await one.tally()).foreign > before, {
      what: 'more of the flood', timeoutMs: PATIENCE_MS,
    });
    t.log(`${first.messages} messages, ${2 * OURS_EACH} of them ours, in ${Math.round(elapsedMs)} ms`);
    t.is(second.hash, first.hash);
    t.deepEqual(second.bySender, first.bySender);
    for (const { self } of [one, three]) t.is(first.bySender[`${self.nodeId}/${self.pid}`], OURS_EACH);
    t.true(first.messages > 2 * OURS_EACH);
    for (const [index, record] of records.entries()) {
      t.deepEqual(record.since(mark[index] ?? 0).filter((line) => line.startsWith('view')), []);
    }
    await bench.child.end();
    for (const record of records) await record.waitFor('view [1 3] left [2 procdown] joined []');
  } finally {
    await Promise.all([one.kill(), three.kill()]);
  }
});

/** A message as cpgverify sends and checks it: length, CRC-32 in network order, bytes. */
function verifiable(index: number): Buffer {
  const content = Buffer.alloc(100 + (index * 997) % 60_000, `content ${index} `);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(content.length, 0);
  head.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([head, content]);
}

test.serial('cpgverify on two nodes finds our messages whole, and we find theirs whole', async (t) => {
  t.timeout(120_000);
  const { cluster, programs } = t.context;
  const ours = await RemoteGroup.open(cluster.node(1));
  const senders = new Map<number, number>();
  const broken: string[] = [];
  ours.on('message', ({ nodeId, pid }, payload) => {
    const bytes = Buffer.from(payload);
    const length = bytes.readUInt32LE(0);
    senders.set(pid, (senders.get(pid) ?? 0) + 1);
    const crc = crc32(bytes.subarray(8, 8 + length));
    if (crc !== bytes.readUInt32BE(4)) broken.push(`${nodeId}/${pid}`);
  });
  try {
    await ours.join(BENCH_GROUP);
    const count = 60;
    const theirs = [2, 3].map((node) => new Foreign(cluster, node, programs.cpgverify, ['-i', String(count)]));
    await waitUntil(() => senders.size === 2, {
      what: 'both of theirs', timeoutMs: PATIENCE_MS, intervalMs: 5,
    });
    await sendPaced(ours, Array.from({ length: 40 }, (_, index) => verifiable(index)));
    // It ends with 1 as soon as a message's hash does not fit, whoever sent it.
    t.deepEqual(await Promise.all(theirs.map((one) => one.exit())), [0, 0]);
    await waitUntil(() => [...senders.values()].reduce((sum, n) => sum + n, 0) === 2 * count + 40, {
      what: 'all messages', timeoutMs: PATIENCE_MS, explain: () => JSON.stringify([...senders]),
    });
    t.deepEqual(broken, []);
    t.is(senders.get(ours.self.pid), 40);
  } finally {
    await ours.kill();
  }
});

test.serial('testcpg sees our joins, messages and leaves as we see its own', async (t) => {
  t.timeout(60_000);
  const { cluster, programs } = t.context;
  const theirs = new Foreign(cluster, 2, programs.testcpg, ['mixed']);
  await theirs.shows(/membership list/);
  const open = (node: number) => RemoteGroup.open(cluster.node(node));
  const [one, three] = [await open(1), await open(3)];
  const record = Record.ofGroup(one);
  const payloads: string[] = [];
  one.on('message', (_from, payload) => payloads.push(Buffer.from(payload).toString('latin1')));
  try {
    await one.join('mixed');
    await theirs.shows(new RegExp(`joined node/pid 1/${one.self.pid} reason: 1\n`));
    await three.join('mixed');
    await record.waitFor('view [1 2 3] left [] joined [3 join]');
    theirs.type('hello from afar');
    await waitUntil(() => payloads.length === 1, { what: 'its line', timeoutMs: PATIENCE_MS });
    // It sends the newline and the end of the C string, too.
    t.is(payloads[0], 'hello from afar\n\0');
    await one.multicast(Buffer.from('hello back\0'));
    await theirs.shows(new RegExp(`message \\(len=11\\)from node/pid 1/${one.self.pid}: 'hello back'`));
    await three.leave();
    await theirs.shows(new RegExp(`left node/pid 3/${three.self.pid} reason: 2\n`));
    await one.close();
    await theirs.shows(new RegExp(`left node/pid 1/${one.self.pid} reason: 5\n`));
    t.true(theirs.child.alive);
  } finally {
    await theirs.child.end();
    await Promise.all([one.kill(), three.kill()]);
  }
});

test.serial('testcpg2 passes beside us in its group, and is seen to come, speak and go', async (t) => {
  t.timeout(60_000);
  const { cluster, programs } = t.context;
  const ours = await RemoteGroup.open(cluster.node(1));
  const record = Record.ofGroup(ours);
  try {
    await ours.join('foo');
    const { code, stdout, stderr } = await cluster.node(3).attempt(programs.testcpg2, []);
    t.is(code, 0, stderr);
    t.regex(stdout, /local_get: 3/);
    await record.waitFor('view [1] left [3 procdown] joined []');
    t.deepEqual(record.since(2), [
      'view [1 3] left [] joined [3 join]', 'message 3 hello', 'view [1] left [3 procdown] joined []',
    ]);
  } finally {
    await ours.kill();
  }
});

test.serial('cpghum between two nodes counts no error while we are in its group', async (t) => {
  t.timeout(90_000);
  const { cluster, programs } = t.context;
  const ours = await RemoteGroup.open(cluster.node(1), true);
  try {
    // Its name has the end of the C string, as many C programs' have.
    await ours.join('cpghum\0');
    await ours.multicast(Buffer.from(TALLY_BEGIN));
    const record = Record.ofGroup(ours);
    const listener = new Foreign(cluster, 3, programs.cpghum, ['-l']);
    await record.waitFor('view [1 3] left [] joined [3 join]');
    const args = ['-r', '1', '-p', '3', '-d', '5', '-W', '3000', '-a'];
    const sender = new Foreign(cluster, 2, programs.cpghum, args);
    t.is(await sender.exit(), 0, sender.output);
    await record.waitFor('view [1 3] left [2 procdown] joined []');
    const { messages } = await ours.tally();
    t.true(messages > 50);
    listener.child.signal('SIGINT');
    t.is(await listener.exit(), 0, listener.output);
    t.is(Number(/packets recvd: +(\d+)/.exec(listener.output)?.[1]), messages);
    for (const kind of ['sequence', 'crc', 'length']) {
      t.regex(listener.output, new RegExp(`${kind} errors:\\s+0\n`));
    }
  } finally {
    await ours.kill();
  }
});

test.serial('corosync-cpgtool shows our members, and who has left is not shown', async (t) => {
  t.timeout(60_000);
  const { cluster } = t.context;
  const open = (node: number) => RemoteGroup.open(cluster.node(node));
  const [one, two] = [await open(1), await open(2)];
  const shown = async (): Promise<readonly string[]> => {
    const { stdout } = await cluster.node(3).exec('corosync-cpgtool', ['-d', ' ']);
    return stdout.split('\n').filter((line) => line.startsWith('shown ')).sort();
  };
  try {
    await one.join('shown');
    await two.join('shown');
    await waitUntil(async () => (await shown()).length === 2, { what: 'both', timeoutMs: PATIENCE_MS });
    const expected = [one, two].map(({ self }) => `shown ${self.pid} ${self.nodeId}`).sort();
    t.deepEqual(await shown(), expected);
    await two.leave();
    await waitUntil(async () => (await shown()).length === 1, { what: 'one', timeoutMs: PATIENCE_MS });
    t.deepEqual(await shown(), [`shown ${one.self.pid} 1`]);
  } finally {
    await Promise.all([one.kill(), two.kill()]);
  }
});
