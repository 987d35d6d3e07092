import anyTest, { type TestFn } from 'ava';
import { NetnsCluster } from '../netns/cluster.js';
import { Record } from './support/record.js';
import { RemoteGroup } from './support/remote-group.js';
import { RemoteQuorum } from './support/remote-quorum.js';

const test = anyTest as TestFn<{ cluster: NetnsCluster }>;

test.beforeEach(async (t) => {
  t.timeout(90_000);
  // A busy machine delays tokens; a false alarm would be an event that no test asked for.
  t.context.cluster = await NetnsCluster.up({ tokenMs: 1_000 });
});
test.afterEach.always(async (t) => {
  await t.context.cluster.down();
});

test.serial('the current state comes after the start, then the loss and return of a node', async (t) => {
  const { cluster } = t.context;
  const quorum = await RemoteQuorum.open(cluster.node(1));
  const record = Record.ofQuorum(quorum);
  await quorum.start();
  await record.waitFor('quorate [1 2 3]');
  t.deepEqual(record.lines, ['nodelist [1 2 3] left [] joined []', 'quorate [1 2 3]']);
  await cluster.node(3).kill();
  await record.waitFor('quorate [1 2]');
  cluster.node(3).start();
  await record.waitFor('quorate [1 2 3]', 2);
  t.deepEqual(record.since(2), [
    'nodelist [1 2] left [3] joined []', 'quorate [1 2]',
    'nodelist [1 2 3] left [] joined [3]', 'quorate [1 2 3]',
  ]);
});

test.serial('a cut node becomes inquorate, and quorate again when healed', async (t) => {
  const { cluster } = t.context;
  const quorum = await RemoteQuorum.open(cluster.node(3));
  const record = Record.ofQuorum(quorum);
  await quorum.start();
  await record.waitFor('quorate [1 2 3]');
  await cluster.cut(3);
  await record.waitFor('inquorate [3]');
  await cluster.heal(3);
  await record.waitFor('quorate [1 2 3]', 2);
  t.true(record.lines.includes('nodelist [3] left [1 2] joined []'));
  t.true(record.lines.includes('nodelist [1 2 3] left [] joined [1 2]'));
});

test.serial('quorum and group name the same rings', async (t) => {
  const { cluster } = t.context;
  const quorum = await RemoteQuorum.open(cluster.node(1));
  const group = await RemoteGroup.open(cluster.node(1));
  const rings: string[] = [];
  const quorumRings: string[] = [];
  group.on('ring', ({ nodeId, seq }) => rings.push(`${nodeId}.${seq}`));
  quorum.on('nodelist', ({ ring: { nodeId, seq } }) => quorumRings.push(`${nodeId}.${seq}`));
  const record = Record.ofQuorum(quorum);
  const groupRecord = Record.ofGroup(group);
  await quorum.start();
  await group.join('rings');
  await cluster.node(3).kill();
  await Promise.all([record.waitFor('quorate [1 2]'), groupRecord.waitFor('ring [1 2]')]);
  t.deepEqual(rings, quorumRings);
  t.is(rings.length, 2);
});

test.serial('the death of corosync is lost once, and a new connection works later', async (t) => {
  const { cluster } = t.context;
  const quorum = await RemoteQuorum.open(cluster.node(2));
  const record = Record.ofQuorum(quorum);
  await quorum.start();
  await record.waitFor('quorate [1 2 3]');
  await cluster.node(2).kill();
  await record.waitFor('lost LOST', 0, 1_000);
  await t.throwsAsync(quorum.start(), { code: 'LOST' });
  t.is(record.lines.filter((line) => line.startsWith('lost')).length, 1);
  cluster.node(2).start();
  await cluster.ready();
  const again = await RemoteQuorum.open(cluster.node(2));
  const later = Record.ofQuorum(again);
  await again.start();
  await later.waitFor('quorate [1 2 3]');
});
