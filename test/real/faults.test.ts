import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { waitUntil } from '../lab/host/wait.js';
import { NetnsCluster } from '../netns/cluster.js';
import { Record } from './support/record.js';
import { RemoteGroup } from './support/remote-group.js';

interface Context {
  cluster: NetnsCluster;
  groups: [RemoteGroup, RemoteGroup, RemoteGroup];
  records: [Record, Record, Record];
}
const test = anyTest as TestFn<Context>;

/** Just over what it takes the others to notice, and far over it. */
const PAUSES_MS = [2_400, 6_000];
/** A listener of the same corosync hears its death at once. */
const LOST_MS_MAX = 1_000;

/** A busy machine delays tokens; a false alarm would be a fault that no test asked for. */
const TOKEN_MS = 1_000;

// A cluster for each test: what a failed test left behind must not fail the next one.
test.beforeEach(async (t) => {
  t.timeout(90_000);
  const cluster = await NetnsCluster.up({ tokenMs: TOKEN_MS });
  t.context.cluster = cluster;
  const open = (index: number) => RemoteGroup.open(cluster.node(index));
  t.context.groups = [await open(1), await open(2), await open(3)];
  const [first, second, third] = t.context.groups;
  t.context.records = [Record.ofGroup(first), Record.ofGroup(second), Record.ofGroup(third)];
  for (const group of t.context.groups) await group.join('faults');
  await t.context.records[0].waitFor('view [1 2 3] left [] joined [3 join]');
  await t.context.records[1].waitFor('view [1 2 3] left [] joined [3 join]');
});
test.afterEach.always(async (t) => {
  await t.context.cluster.down();
});

test.serial('kill -9 of corosync is lost at once, and a new group can join later', async (t) => {
  const { cluster, groups, records } = t.context;
  const marks = records.map(({ lines }) => lines.length);
  const killedAtMs = performance.now();
  await cluster.node(3).kill();
  const lostAtMs = await records[2].waitFor('lost LOST');
  t.log(`lost after ${Math.round(lostAtMs - killedAtMs)} ms`);
  t.true(lostAtMs - killedAtMs < LOST_MS_MAX);
  t.is(records[2].lines.filter((line) => line.startsWith('lost')).length, 1);
  await t.throwsAsync(groups[2].multicast(Buffer.from('x')), { message: /gone/ });
  await t.throwsAsync(groups[2].reopen(), { message: /start corosync/ });
  for (const record of [records[0], records[1]]) {
    await record.waitFor('view [1 2] left [3 nodedown] joined []');
    await record.waitFor('ring [1 2]');
  }

  cluster.node(3).start();
  await cluster.ready();
  await groups[2].reopen();
  await groups[2].join('faults');
  await groups[2].multicast(Buffer.from('back'));
  await records[0].waitFor('message 3 back');
  // The ring of a node that has no member yet changes no view.
  t.deepEqual(distinct(records[0].since(marks[0] ?? 0)), [
    'view [1 2] left [3 nodedown] joined []', 'ring [1 2]', 'ring [1 2 3]',
    'view [1 2 3] left [] joined [3 join]', 'message 3 back',
  ]);
});

test.serial('SIGTERM of corosync is lost at once and looks like a crash of its clients', async (t) => {
  const { cluster, records } = t.context;
  const marks = records.map(({ lines }) => lines.length);
  await cluster.node(3).term();
  await records[2].waitFor('lost LOST');
  for (const [index, record] of [records[0], records[1]].entries()) {
    await record.waitFor('ring [1 2]', marks[index]);
    // Not nodedown: corosync says goodbye for its clients before it leaves the ring.
    t.deepEqual(distinct(record.since(marks[index] ?? 0)), [
      'view [1 2] left [3 procdown] joined []', 'ring [1 2]',
    ]);
  }
});

test.serial('a cut link is nodedown on both sides, its healing nodeup, views before rings', async (t) => {
  const { cluster, records } = t.context;
  const marks = records.map(({ lines }) => lines.length);
  await cluster.cut(3);
  await records[2].waitFor('ring [3]');
  await records[0].waitFor('ring [1 2]');
  await cluster.heal(3);
  for (const [index, record] of records.entries()) {
    await record.waitFor('ring [1 2 3]', marks[index]);
  }
  await delay(500);
  t.log(records.map((record, index) => record.since(marks[index] ?? 0)));
  assertGoneAndBack(t, records.map((record, index) => record.since(marks[index] ?? 0)));
});

for (const pausedMs of PAUSES_MS) {
  test.serial(`a pause of ${pausedMs} ms shows as nodedown then nodeup on both sides`, async (t) => {
    const { cluster, records } = t.context;
    const marks = records.map(({ lines }) => lines.length);
    cluster.node(3).pause();
    await delay(pausedMs);
    cluster.node(3).continue();
    for (const [index, record] of records.entries()) {
      await record.waitFor('ring [1 2 3]', marks[index]);
    }
    await delay(500);
    const since = records.map((record, index) => record.since(marks[index] ?? 0));
    t.log(since);
    assertGoneAndBack(t, since);
  });
}

test.serial('with corosync stopped the loop is not held, and everything settles later', async (t) => {
  const { cluster, groups } = t.context;
  cluster.node(3).pause();
  // More than the 278 messages at which libqb would spin inside the call.
  const flooding = groups[2].flood(1_000, 64);
  await delay(800);
  const asked = performance.now();
  await t.throwsAsync(groups[2].join('other'), { code: 'EXIST' });
  t.true(performance.now() - asked < 200);
  cluster.node(3).continue();
  const result = await flooding;
  t.log(result);
  t.is(result.delivered, 1_000);
  t.true(result.callMs < 200);
  t.true(result.lagMsMax < 200);
});

test.serial('what was in flight over a pause that the others noticed settles, one way or the other', async (t) => {
  const { cluster, groups, records } = t.context;
  const mark = records[2].lines.length;
  cluster.node(3).pause();
  const flooding = groups[2].flood(200, 64);
  await delay(PAUSES_MS[1] ?? 6_000);
  cluster.node(3).continue();
  await records[2].waitFor('ring [1 2 3]', mark);
  const result = await flooding;
  const { delivered, refused, elapsedMs } = result;
  t.log(`${delivered} delivered, refused ${JSON.stringify(refused)}, ${elapsedMs} ms`);
  t.is(delivered + (refused['LOST'] ?? 0), 200);
  t.true(result.lagMsMax < 500);
});

test.serial('questions while corosync is stopped wait without holding the loop', async (t) => {
  const { cluster, groups } = t.context;
  cluster.node(3).pause();
  const asked = [groups[2].membership(), groups[2].groupNames(), groups[2].localNodeId()];
  let answered = false;
  void Promise.allSettled(asked).then(() => {
    answered = true;
  });
  const { lagMsMax } = await groups[2].idle(800);
  t.true(lagMsMax < 200);
  t.false(answered);
  cluster.node(3).continue();
  const [membership, , nodeId] = await Promise.all(asked);
  t.is((membership as readonly unknown[]).length, 3);
  t.is(nodeId, 3);
});

test.serial('closing while a question waits for a stopped corosync answers it at once', async (t) => {
  const { cluster, groups } = t.context;
  cluster.node(3).pause();
  const asked = t.throwsAsync(groups[2].membership(), { code: 'CLOSED' });
  await delay(200);
  const closing = groups[2].close();
  await asked;
  cluster.node(3).continue();
  await closing;
});

test.serial('a leave while corosync is stopped waits without holding the loop', async (t) => {
  const { cluster, groups, records } = t.context;
  cluster.node(3).pause();
  const leaving = groups[2].leave();
  await delay(300);
  const asked = performance.now();
  await t.throwsAsync(groups[2].multicast(Buffer.from('x')), { code: 'NOT_JOINED' });
  t.true(performance.now() - asked < 200);
  cluster.node(3).continue();
  await leaving;
  await waitUntil(() => records[0].lines.at(-1) === 'view [1 2] left [3 leave] joined []', {
    what: 'the leave at the others', timeoutMs: 5_000,
  });
  t.pass();
});

/**
 * Node 3 was away from the two others and came back: the first and the last view say so. While
 * rings merge, the two that stayed may for a moment lose each other, too, so between those views
 * there may be more; the last one names as nodeup whoever was missing.
 */
function assertGoneAndBack(t: ExecutionContext<Context>, seen: readonly (readonly string[])[]) {
  for (const [index, lines] of seen.entries()) {
    const views = lines.filter((line) => line.startsWith('view'));
    const gone = index === 2 ? '[3] left [1 nodedown, 2 nodedown]' : '[1 2] left [3 nodedown]';
    const back = index === 2
      ? /joined \[1 nodeup, 2 nodeup\]$/
      : /joined \[([12] nodeup, )?3 nodeup\]$/;
    t.is(views[0], `view ${gone} joined []`);
    t.regex(views.at(-1) ?? '', /^view \[1 2 3\] left \[\]/);
    t.regex(views.at(-1) ?? '', back);
    // The ring comes after the view that it caused.
    t.true(lines.lastIndexOf('ring [1 2 3]') > lines.lastIndexOf(views.at(-1) ?? ''));
  }
}

/** Without repetitions: corosync may form the same ring again when a token comes late. */
function distinct(lines: readonly string[]): readonly string[] {
  return lines.filter((line, index) => line !== lines[index - 1]);
}
