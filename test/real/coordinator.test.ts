import anyTest, { type TestFn } from 'ava';
import { encode } from '../../src/coordinator/wire/index.js';
import { waitUntil } from '../lab/host/wait.js';
import { CoordinatorCluster } from './support/coordinator-cluster.js';
import { RemoteGroup } from './support/remote-group.js';

interface Context {
  cluster: CoordinatorCluster;
}
const test = anyTest as TestFn<Context>;

/** A busy machine delays tokens; a false alarm would be a fault that no test asked for. */
const TOKEN_MS = 1_000;
/** A daemon hears of its own corosync's death by a closed socket. */
const ISOLATED_MS_MAX = 1_000;

const ALL = [1, 2, 3];
const SYNCED = [
  'n1 synced 1', 'n2 synced 1', 'n3 synced 1',
  'disk-1 n1 held synced', 'disk-2 n2 held synced', 'disk-3 n3 held synced',
];

test.beforeEach(async (t) => {
  t.timeout(120_000);
  t.context.cluster = await CoordinatorCluster.up(TOKEN_MS);
  for (const id of ALL) await t.context.cluster.acquire(id, `disk-${id}`);
  await t.context.cluster.untilView(ALL, SYNCED);
});
test.afterEach.always(async (t) => {
  await t.context.cluster.down();
});

test.serial('corosync is killed under a daemon, which is isolated until it is back', async (t) => {
  const { cluster } = t.context;
  await cluster.corosync.node(3).kill();
  const isolatedMs = await cluster.untilStanding(3, 'isolated');
  t.log(`isolated after ${Math.round(isolatedMs)} ms`);
  t.true(isolatedMs < ISOLATED_MS_MAX);
  await t.throwsAsync(cluster.acquire(3, 'new'), { code: 'ISOLATED' });
  const own = (await cluster.client(3).locks()).filter(({ node }) => node.name === 'n3');
  t.deepEqual(own.map(({ resource, state }) => `${resource} ${state}`), ['disk-3 held']);
  await cluster.untilView([1, 2], [
    'n1 synced 1', 'n2 synced 1', 'n3 node-down 1',
    'disk-1 n1 held synced', 'disk-2 n2 held synced', 'disk-3 n3 held node-down',
  ]);
  // What changed meanwhile has to be transferred afterwards. Shared: an exclusive grant waits for
  // the lockspace to recover without n3, and these lock managers know nothing of one another.
  await cluster.acquire(1, 'late', 'PR');

  cluster.corosync.node(3).start();
  const backMs = await cluster.untilView(ALL, [
    'n1 synced 2', 'n2 synced 1', 'n3 synced 1',
    'disk-1 n1 held synced', 'disk-2 n2 held synced', 'disk-3 n3 held synced',
    'late n1 held synced',
  ]);
  t.log(`everybody synced ${Math.round(backMs)} ms after corosync started`);
  await cluster.untilReady();
  await cluster.acquire(3, 'new');
});

test.serial('corosync is ended by SIGTERM and comes back', async (t) => {
  const { cluster } = t.context;
  await cluster.corosync.node(2).term();
  await cluster.untilStanding(2, 'isolated');
  await cluster.untilView([1, 3], [
    'n1 synced 1', 'n2 node-down 1', 'n3 synced 1',
    'disk-1 n1 held synced', 'disk-2 n2 held node-down', 'disk-3 n3 held synced',
  ]);
  cluster.corosync.node(2).start();
  await cluster.untilView(ALL, SYNCED);
  await cluster.untilReady();
  t.pass();
});

test.serial('corosync stands still for longer than the token: everybody converges again', async (t) => {
  const { cluster } = t.context;
  cluster.corosync.node(3).pause();
  await cluster.untilView([1, 2], [
    'n1 synced 1', 'n2 synced 1', 'n3 node-down 1',
    'disk-1 n1 held synced', 'disk-2 n2 held synced', 'disk-3 n3 held node-down',
  ]);
  await cluster.acquire(1, 'meanwhile', 'PR');
  const askedMs = performance.now();
  await cluster.client(3).status();
  t.true(performance.now() - askedMs < 500, 'the daemon answers while its corosync stands still');
  cluster.corosync.node(3).continue();
  const healedMs = await cluster.untilView(ALL, [
    'n1 synced 2', 'n2 synced 1', 'n3 synced 1',
    'disk-1 n1 held synced', 'disk-2 n2 held synced', 'disk-3 n3 held synced',
    'meanwhile n1 held synced',
  ]);
  t.log(`converged ${Math.round(healedMs)} ms after the pause`);
  await cluster.untilReady();
});

test.serial('a cut cable: the minority has no quorum, and after the healing all agree', async (t) => {
  const { cluster } = t.context;
  await cluster.corosync.cut(1);
  await cluster.untilStanding(1, 'no-quorum');
  await t.throwsAsync(cluster.acquire(1, 'new'), { code: 'NO_QUORUM' });
  await cluster.untilView([1], [
    'n1 synced 1', 'n2 node-down 1', 'n3 node-down 1',
    'disk-1 n1 held synced', 'disk-2 n2 held node-down', 'disk-3 n3 held node-down',
  ]);
  await cluster.acquire(2, 'meanwhile', 'PR');
  await cluster.untilView([2, 3], [
    'n1 node-down 1', 'n2 synced 2', 'n3 synced 1',
    'disk-1 n1 held node-down', 'disk-2 n2 held synced', 'disk-3 n3 held synced',
    'meanwhile n2 held synced',
  ]);
  await cluster.corosync.heal(1);
  const healedMs = await cluster.untilView(ALL, [
    'n1 synced 1', 'n2 synced 2', 'n3 synced 1',
    'disk-1 n1 held synced', 'disk-2 n2 held synced', 'disk-3 n3 held synced',
    'meanwhile n2 held synced',
  ]);
  t.log(`converged ${Math.round(healedMs)} ms after the healing`);
  await cluster.untilReady();
});

test.serial('a daemon is killed and started again at once: the others follow the new one', async (t) => {
  const { cluster } = t.context;
  const before = (await cluster.client(1).nodes()).find(({ name }) => name === 'n3');
  await cluster.daemon(3).child.end();
  cluster.start(3);
  // Its lock manager died with it, so the listed lock is lost, and said to be.
  await cluster.untilView(ALL, [
    'n1 synced 1', 'n2 synced 1', 'n3 synced 0', 'disk-1 n1 held synced', 'disk-2 n2 held synced',
  ]);
  const after = (await cluster.client(1).nodes()).find(({ name }) => name === 'n3');
  t.not(after?.incarnation, before?.incarnation);
  t.regex(cluster.daemon(3).log, /'disk-3' \(EX, owner-3\) is LOST/);
  await cluster.acquire(3, 'again');
  await cluster.untilView(ALL, [
    'n1 synced 1', 'n2 synced 1', 'n3 synced 1',
    'again n3 held synced', 'disk-1 n1 held synced', 'disk-2 n2 held synced',
  ]);
});

test.serial('a killed daemon is down, not dead; one that stops says goodbye', async (t) => {
  const { cluster } = t.context;
  await cluster.daemon(3).child.end();
  await cluster.untilView([1, 2], [
    'n1 synced 1', 'n2 synced 1', 'n3 daemon-down 1',
    'disk-1 n1 held synced', 'disk-2 n2 held synced', 'disk-3 n3 orphaned daemon-down',
  ]);
  const { child } = cluster.daemon(2);
  child.signal('SIGTERM');
  await child.ended();
  t.is(child.process.exitCode, 0);
  await cluster.untilView([1], [
    'n1 synced 1', 'n2 left 0', 'n3 daemon-down 1',
    'disk-1 n1 held synced', 'disk-3 n3 orphaned daemon-down',
  ]);
});

test.serial('strangers and garbage in the group change nothing and are complained of once', async (t) => {
  const { cluster } = t.context;
  const stranger = await RemoteGroup.open(cluster.corosync.node(2));
  await stranger.join('holdfast');
  const forged = encode({
    protocolMin: 1, protocolMax: 1, nodeId: 1, incarnation: 'f'.repeat(32), seq: 1,
    ring: { nodeId: 1, seq: 1n }, body: { kind: 'goodbye', keepsLocks: false },
  });
  const messages = [Buffer.from('hello?'), Buffer.alloc(100_000, 0xff), forged];
  for (const message of messages) await stranger.multicast(message);
  await waitUntil(async () => {
    const counters = await Promise.all(ALL.map(async (id) => {
      return (await cluster.client(id).status()).counters['messages_garbage'] ?? 0;
    }));
    return counters[0] === messages.length && counters[2] === messages.length;
  }, { what: 'the garbage to be counted', timeoutMs: 5_000 });
  const complaints = cluster.daemon(1).log.match(/is ignored, as all like it/g) ?? [];
  t.is(complaints.length, 1);

  await stranger.kill();
  await cluster.acquire(1, 'after');
  await waitUntil(async () => (await cluster.view(3)).includes('after n1 held synced'), {
    what: 'n3 to see the lock that was taken after it', timeoutMs: 5_000,
  });
});

test.serial('a second daemon of a node gives way, and the first one goes on', async (t) => {
  const { cluster } = t.context;
  const second = cluster.startBeside(2);
  await waitUntil(() => second.child.process.exitCode !== null, {
    what: 'the second daemon to end', timeoutMs: 30_000, explain: () => second.log,
  });
  t.regex(second.log, /of this node is a daemon in the group 'holdfast' already/);
  await cluster.untilView(ALL, SYNCED);
  t.is((await cluster.client(2).status()).standing.kind, 'ok');
});
