import anyTest, { type TestFn } from 'ava';
import { CpgError } from '../../src/cpg/index.js';
import { waitUntil } from '../lab/host/wait.js';
import { NetnsCluster } from '../netns/cluster.js';
import { Record } from './support/record.js';
import { RemoteGroup } from './support/remote-group.js';

const test = anyTest as TestFn<{ cluster: NetnsCluster }>;

test.before(async (t) => {
  t.timeout(90_000);
  t.context.cluster = await NetnsCluster.up({ tokenMs: 1_000 });
});
test.after.always(async (t) => {
  await t.context.cluster.down();
});

/** One member on each given node, joined one after the other. */
async function members(cluster: NetnsCluster, nodes: readonly number[], name: string) {
  const groups: RemoteGroup[] = [];
  const records: Record[] = [];
  for (const index of nodes) {
    const group = await RemoteGroup.open(cluster.node(index));
    records.push(Record.ofGroup(group));
    groups.push(group);
    await group.join(name);
  }
  const end = async (): Promise<void> => {
    await Promise.all(groups.map((group) => group.kill()));
  };
  return { groups, records, end };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (thrown: unknown) => (thrown instanceof CpgError ? thrown.code : String(thrown)),
  );

test.serial('the first event is our own view, then the ring once', async (t) => {
  const { records, groups, end } = await members(t.context.cluster, [1, 2], 'first');
  try {
    await groups[1]?.multicast(Buffer.from('x'));
    t.deepEqual(records[1]?.lines, [
      'view [1 2] left [] joined [2 join]', 'ring [1 2 3]', 'message 2 x',
    ]);
    t.is(groups[1]?.self.nodeId, 2);
    t.is(groups[1]?.payloadBytesMax, 1_047_552);
  } finally {
    await end();
  }
});

test.serial('three members see all messages in one order, their own included', async (t) => {
  const { groups, records, end } = await members(t.context.cluster, [1, 2, 3], 'order');
  try {
    const each = 200;
    await Promise.all(groups.flatMap((group) =>
      Array.from({ length: each }, (_, index) => group.multicast(Buffer.from(`${index}`)))));
    await waitUntil(() => records.every(({ texts }) => texts.length === 3 * each), {
      what: 'all messages everywhere', timeoutMs: 10_000, intervalMs: 10,
    });
    t.deepEqual(records[1]?.texts, records[0]?.texts);
    t.deepEqual(records[2]?.texts, records[0]?.texts);
    for (const nodeId of [1, 2, 3]) {
      const own = records[0]?.texts.filter((text) => text.startsWith(`${nodeId}: `));
      t.deepEqual(own, Array.from({ length: each }, (_, index) => `${nodeId}: ${index}`));
    }
  } finally {
    await end();
  }
});

test.serial('payloads of 0 bytes and of the largest size arrive whole', async (t) => {
  const { groups, end } = await members(t.context.cluster, [1, 2], 'sizes');
  try {
    const [sender, receiver] = groups;
    if (sender === undefined || receiver === undefined) return t.fail();
    const got: Uint8Array[] = [];
    receiver.on('message', (_from, payload) => got.push(payload));
    const large = new Uint8Array(sender.payloadBytesMax).map((_, index) => index % 251);
    await sender.multicast(new Uint8Array(0));
    await sender.multicast(large);
    t.is(await codeOf(sender.multicast(new Uint8Array(large.length + 1))), 'TOO_BIG');
    await waitUntil(() => got.length === 2, { what: 'both payloads', timeoutMs: 5_000 });
    t.is(got[0]?.byteLength, 0);
    t.is(Buffer.compare(got[1] ?? Buffer.alloc(0), large), 0);
  } finally {
    await end();
  }
});

test.serial('a multicast before the join, or after the leave, is NOT_JOINED', async (t) => {
  const group = await RemoteGroup.open(t.context.cluster.node(1));
  try {
    t.is(await codeOf(group.multicast(Buffer.from('early'))), 'NOT_JOINED');
    await group.join('before');
    t.is(await codeOf(group.multicast(Buffer.from('in time'))), 'resolved');
    await group.leave();
    t.is(await codeOf(group.multicast(Buffer.from('late'))), 'NOT_JOINED');
    t.is(await codeOf(group.join('before')), 'EXIST');
  } finally {
    await group.kill();
  }
});

test.serial('join, leave and crash are told apart', async (t) => {
  const { groups, records, end } = await members(t.context.cluster, [1, 2, 3], 'reasons');
  try {
    await groups[1]?.leave();
    await records[0]?.waitFor('view [1 3] left [2 leave] joined []');
    await records[1]?.waitFor('view [1 3] left [2 leave] joined []');
    await groups[2]?.kill();
    await records[0]?.waitFor('view [1] left [3 procdown] joined []');
    t.deepEqual(records[0]?.lines, [
      'view [1] left [] joined [1 join]', 'ring [1 2 3]',
      'view [1 2] left [] joined [2 join]', 'view [1 2 3] left [] joined [3 join]',
      'view [1 3] left [2 leave] joined []', 'view [1] left [3 procdown] joined []',
    ]);
  } finally {
    await end();
  }
});

test.serial('close without leave is procdown, and the process may open and join again', async (t) => {
  const { groups, records, end } = await members(t.context.cluster, [1, 2], 'again');
  try {
    await groups[1]?.close();
    await records[0]?.waitFor('view [1] left [2 procdown] joined []');
    for (let round = 0; round < 3; round += 1) {
      await groups[1]?.reopen();
      await groups[1]?.join('again');
      await groups[1]?.multicast(Buffer.from(`round ${round}`));
      await groups[1]?.leave();
      await groups[1]?.close();
    }
    await records[0]?.waitFor('message 2 round 2');
    t.pass();
  } finally {
    await end();
  }
});

test.serial('a flood beyond the queue is refused with QUEUE_FULL, the rest is delivered', async (t) => {
  const { groups, end } = await members(t.context.cluster, [1, 2], 'flood');
  try {
    const result = await groups[0]?.flood(10_000, 64);
    const refused = result?.refused['QUEUE_FULL'] ?? 0;
    t.true(refused > 0);
    t.deepEqual(Object.keys(result?.refused ?? {}), ['QUEUE_FULL']);
    t.is((result?.delivered ?? 0) + refused, 10_000);
    t.true((result?.delivered ?? 0) >= 4096);
    const after = await groups[0]?.flood(100, 64);
    t.is(after?.delivered, 100);
    t.log(result);
  } finally {
    await end();
  }
});

test.serial('large messages queue up and drain without holding the loop', async (t) => {
  const { groups, end } = await members(t.context.cluster, [1, 2, 3], 'large');
  try {
    const result = await groups[0]?.flood(200, 64 << 10);
    t.is(result?.delivered, 200);
    t.log(result);
    t.true((result?.lagMsMax ?? Infinity) < 500);
  } finally {
    await end();
  }
});

test.serial('libcpg keeps the context and answers for its flow control', async (t) => {
  const { groups, end } = await members(t.context.cluster, [1], 'context');
  try {
    const context = 2n ** 64n - 2n;
    t.deepEqual(await groups[0]?.localState(context), { context, flowControl: 'disabled' });
  } finally {
    await end();
  }
});
