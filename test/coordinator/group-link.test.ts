import test from 'ava';

import type { CoreEvent } from '../../src/coordinator/core/event.js';
import { GroupLink } from '../../src/coordinator/group-link.js';
import { MessageStamp } from '../../src/coordinator/message-stamp.js';
import { CpgError } from '../../src/cpg/error.js';
import { startedBench } from './core/harness.js';
import { FakeClock, FakeGroup, turns } from './fakes.js';

const SELF = { nodeId: 1, pid: 100 };

/** A message of a daemon, whoever sends it. */
const HELLO = new MessageStamp(startedBench().state).encode({ kind: 'request', nodeId: 2 });

/** `living`: the processes of this node that there are. */
function bench(living: readonly number[] = []) {
  const clock = new FakeClock();
  const groups: FakeGroup[] = [];
  const events: CoreEvent[] = [];
  const prepared: FakeGroup[] = [];
  const openGroup = (): Promise<FakeGroup> => {
    const group = prepared.shift() ?? new FakeGroup();
    groups.push(group);
    return Promise.resolve(group);
  };
  const processWatch = {
    identify: (pid: number) => Promise.resolve(living.includes(pid) ? { pid, startTime: 1 } : null),
  };
  const modules = { openGroup, clock, log: () => undefined, processWatch };
  const link = new GroupLink('holdfast', modules, (event) => events.push(event));
  const ending = new AbortController();
  const kinds = (): readonly string[] => events.map(({ kind }) => kind);
  return { clock, groups, prepared, events, kinds, link, ending };
}

test('nothing is joined before adoption is over', async (t) => {
  const { link, ending, groups } = bench();
  let adopted = (): void => undefined;
  const mayJoin = new Promise<void>((resolve) => (adopted = resolve));
  const run = link.run(ending.signal, mayJoin);
  await turns();
  t.deepEqual(groups[0]?.calls, []);
  adopted();
  await turns();
  t.deepEqual(groups[0]?.calls, ['join holdfast']);
  ending.abort();
  await run;
  t.deepEqual(groups[0]?.calls, ['join holdfast', 'close']);
});

test('a lost group is said so, closed, and joined again', async (t) => {
  const { link, ending, groups, kinds, clock } = bench();
  const run = link.run(ending.signal, Promise.resolve());
  await turns();
  groups[0]?.emit('lost', new CpgError('LOST', 'dispatch', 'corosync died'));
  await turns();
  await clock.pass(200);
  t.deepEqual(kinds(), ['group-joining', 'group-lost', 'group-joining']);
  t.deepEqual(groups[0]?.calls, ['join holdfast', 'close']);
  t.deepEqual(groups[1]?.calls, ['join holdfast']);
  ending.abort();
  await run;
});

test('a view without this daemon is a lost group', async (t) => {
  const { link, ending, groups, kinds, clock } = bench();
  const run = link.run(ending.signal, Promise.resolve());
  await turns();
  groups[0]?.emit('view', { members: [SELF], left: [], joined: [] });
  groups[0]?.emit('view', { members: [{ nodeId: 2, pid: 1 }], left: [], joined: [] });
  await turns();
  await clock.pass(200);
  t.deepEqual(kinds(), ['group-joining', 'view', 'view', 'group-lost', 'group-joining']);
  t.is(groups.length, 2);
  ending.abort();
  await run;
});

test('a join that fails leaves no connection open', async (t) => {
  const { link, ending, groups, prepared, kinds } = bench();
  const group = new FakeGroup();
  group.joinFailure = new CpgError('ACCESS', 'cpg_join', 'not allowed');
  prepared.push(group);
  const run = link.run(ending.signal, Promise.resolve());
  await turns();
  t.deepEqual(groups[0]?.calls, ['join holdfast', 'close']);
  t.deepEqual(kinds(), ['group-joining', 'group-lost']);
  ending.abort();
  await run;
});

test('whoever has left does not join again', async (t) => {
  const { link, ending, groups, clock } = bench();
  const run = link.run(ending.signal, Promise.resolve());
  await turns();
  await link.leave();
  groups[0]?.emit('view', { members: [], left: [], joined: [] });
  await turns();
  await clock.pass(60_000);
  t.is(groups.length, 1);
  t.true(groups[0]?.calls.includes('leave'));
  ending.abort();
  await run;
});

test('bytes that are no message of ours are garbage, not an end', async (t) => {
  const { link, ending, groups, kinds } = bench();
  const run = link.run(ending.signal, Promise.resolve());
  await turns();
  groups[0]?.emit('message', SELF, new Uint8Array([1, 2, 3]));
  t.is(kinds().at(-1), 'garbage');
  ending.abort();
  await run;
});

const ELDER = { nodeId: 1, pid: 55 };

test('a daemon that finds another one of its node in the group gives way', async (t) => {
  const { link, ending, groups } = bench([ELDER.pid]);
  const run = t.throwsAsync(link.run(ending.signal, Promise.resolve()), {
    code: 'UNSAFE', message: /process 55 of this node is a daemon in the group 'holdfast' already/,
  });
  await turns();
  groups[0]?.emit('view', { members: [ELDER, SELF], left: [], joined: [] });
  groups[0]?.emit('message', ELDER, HELLO);
  await run;
  t.is(groups[0]?.calls.at(-1), 'close');
});

test('neither a stranger nor a dead daemon nor one that came later makes it give way', async (t) => {
  const stranger = { nodeId: 1, pid: 56 };
  const newcomer = { nodeId: 1, pid: 57 };
  const { link, ending, groups, kinds } = bench([stranger.pid, newcomer.pid]);
  const run = link.run(ending.signal, Promise.resolve());
  await turns();
  groups[0]?.emit('view', { members: [ELDER, stranger, SELF], left: [], joined: [] });
  groups[0]?.emit('message', stranger, new Uint8Array([1, 2, 3]));
  groups[0]?.emit('message', ELDER, HELLO);
  groups[0]?.emit('view', { members: [ELDER, stranger, SELF, newcomer], left: [], joined: [] });
  groups[0]?.emit('message', newcomer, HELLO);
  await turns();
  t.deepEqual(kinds().slice(-3), ['message', 'view', 'message']);
  t.false(groups[0]?.calls.includes('close'));
  ending.abort();
  await run;
});

test('a daemon that was in the group before does not give way when it comes back', async (t) => {
  const { link, ending, groups, clock } = bench([ELDER.pid]);
  const run = link.run(ending.signal, Promise.resolve());
  await turns();
  groups[0]?.emit('view', { members: [SELF], left: [], joined: [] });
  groups[0]?.emit('lost', new CpgError('LOST', 'dispatch', 'corosync died'));
  await turns();
  await clock.pass(200);
  groups[1]?.emit('view', { members: [ELDER, SELF], left: [], joined: [] });
  groups[1]?.emit('message', ELDER, HELLO);
  await turns();
  t.false(groups[1]?.calls.includes('close'));
  ending.abort();
  await run;
});
