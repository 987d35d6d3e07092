import anyTest, { type TestFn } from 'ava';
import { CmapError, type CmapValue } from '../../src/cmap/index.js';
import { NetnsCluster } from '../netns/cluster.js';
import { waitUntil } from '../lab/host/wait.js';
import { RemoteCmap } from './support/remote-cmap.js';
import { RemoteQuorum } from './support/remote-quorum.js';

const test = anyTest as TestFn<{ cluster: NetnsCluster }>;

test.beforeEach(async (t) => {
  t.timeout(90_000);
  t.context.cluster = await NetnsCluster.up({ size: 1 });
});
test.afterEach.always(async (t) => {
  await t.context.cluster.down();
});

test.serial('the death of corosync is lost once, and a new connection works later', async (t) => {
  const { cluster } = t.context;
  const node = cluster.node(1);
  const cmap = await RemoteCmap.open(node);
  const codes: string[] = [];
  cmap.on('lost', ({ code }) => codes.push(code));
  const tracker = await cmap.track('some.key');
  await node.kill();
  await waitUntil(() => Promise.resolve(codes.length > 0), {
    what: 'the loss to be told', timeoutMs: 5_000,
  });
  await t.throwsAsync(cmap.get('totem.version'), { code: 'LOST' });
  await t.throwsAsync(cmap.keys(''), { code: 'LOST' });
  await t.throwsAsync(cmap.track('other.key'), { code: 'LOST' });
  await t.notThrowsAsync(tracker.stop());
  await t.notThrowsAsync(cmap.close());
  await t.notThrowsAsync(cmap.close());
  await t.throwsAsync(RemoteCmap.open(node), { code: 'LIBRARY' });
  t.deepEqual(codes, ['LOST']);
  node.start();
  await cluster.ready();
  const again = await RemoteCmap.open(node);
  t.is(await again.getAs('totem.version', 'uint32'), 2);
});

test.serial('a stopped corosync holds calls, not the process, and its death ends them', async (t) => {
  const node = t.context.cluster.node(1);
  const cmap = await RemoteCmap.open(node);
  node.pause();
  let answered = false;
  const held = cmap.get('totem.version').finally(() => {
    answered = true;
  });
  for (let round = 0; round < 10; round += 1) {
    await t.throwsAsync(cmap.get('not a key'), { code: 'INVALID_PARAM' });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.false(answered);
  node.continue();
  t.is((await held).value, 2);
  node.pause();
  const doomed = [cmap.get('totem.version'), cmap.set('some.key', { type: 'int8', value: 1 })];
  const outcomes = Promise.allSettled(doomed);
  await node.kill();
  for (const outcome of await outcomes) {
    t.is(outcome.status, 'rejected');
    if (outcome.status === 'rejected') {
      t.true(['LIBRARY', 'LOST', 'CLOSED'].includes((outcome.reason as { code: string }).code));
    }
  }
});

test.serial('every change of a flood arrives, in order', async (t) => {
  const node = t.context.cluster.node(1);
  const [writer, reader] = [await RemoteCmap.open(node), await RemoteCmap.open(node)];
  const seen: bigint[] = [];
  reader.on('changed', (change) => {
    if (change.kind === 'modified') seen.push(change.value.value as bigint);
  });
  await writer.set('flood.count', { type: 'uint64', value: 0n });
  await reader.track('flood.count');
  const changes = 2_000;
  await Promise.all(Array.from({ length: changes }, () => writer.increment('flood.count')));
  await waitUntil(() => Promise.resolve(seen.length >= changes), {
    what: 'every change', timeoutMs: 20_000,
  });
  t.deepEqual(seen, Array.from({ length: changes }, (_, index) => BigInt(index + 1)));
});

test.serial('the statistics are a map of their own, which nobody changes', async (t) => {
  const stats = await RemoteCmap.open(t.context.cluster.node(1), { map: 'stats' });
  const entries = await stats.entries('stats.');
  t.true(entries.length > 10);
  t.true(entries.every(({ key }) => key.startsWith('stats.')));
  await t.throwsAsync(stats.get('totem.version'), { code: 'NOT_EXIST' });
  const one = { type: 'int8', value: 1 } as const;
  await t.throwsAsync(stats.set('stats.own', one), { code: 'ACCESS' });
});

test.serial('many connections that open at once do not take each other\'s handle', async (t) => {
  const node = t.context.cluster.node(1);
  const cmap = await RemoteCmap.open(node);
  t.is(await cmap.openMany(200), 200);
});

test.serial('whatever is given to a call, the answer is an error and the process lives', async (t) => {
  const node = t.context.cluster.node(1);
  const cmap = await RemoteCmap.open(node);
  const quorum = await RemoteQuorum.open(node);
  const odd: readonly unknown[] = [
    undefined, null, 5, -1, Number.NaN, 5n, true, {}, [], new Uint8Array(3), '', 'ab', 'a key',
    'nul\0nul', 'k'.repeat(256), 'k'.repeat(1 << 20), { type: 'int8', value: 1 },
    { type: 'string', value: 'x'.repeat(1 << 21) }, { type: 'binary', value: 'no bytes' },
  ];
  for (const value of odd) {
    const text = value as string;
    const calls = [
      cmap.get(text), cmap.delete(text), cmap.increment(text), cmap.decrement(text),
      cmap.track(text), cmap.set(text, { type: 'int8', value: 1 }),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      t.true(outcome.status === 'rejected' && outcome.reason instanceof CmapError);
    }
    if (value === odd[16]) continue;
    const stored = cmap.set('some.key', value as CmapValue);
    await t.throwsAsync(stored, { instanceOf: CmapError });
  }
  t.is(await cmap.getAs('totem.version', 'uint32'), 2);
  t.true(await quorum.isQuorate());
});
