import test from 'ava';
import fc from 'fast-check';
import type { LockspaceNode } from '../../src/dlm/cluster-view.js';
import { parseConfig, parseLockspaces, parseStatus } from '../../src/dlm/dlm-tool.js';

/** What dlm_tool 4.2.0 printed on three real nodes. */
const RUNNING = `dlm lockspaces
name          test
id            0x77222027
flags         0x00000000 
change        member 3 joined 1 remove 0 failed 0 seq 3,3
members       1 2 3 
all nodes
nodeid 1 member 1 failed 0 start 1 seq_add 1 seq_rem 0 check none
nodeid 2 member 1 failed 0 start 1 seq_add 2 seq_rem 0 check none
nodeid 3 member 1 failed 0 start 1 seq_add 3 seq_rem 0 check none

`;
const WAIT_FENCING = `dlm lockspaces
name          test
id            0x77222027
flags         0x00000004 kern_stop
change        member 3 joined 1 remove 0 failed 0 seq 3,3
members       1 2 3 
new change    member 2 joined 0 remove 1 failed 1 seq 4,4
new status    wait fencing
new members   1 2 
all nodes
nodeid 1 member 1 failed 0 start 0 seq_add 1 seq_rem 0 check none
nodeid 2 member 1 failed 0 start 0 seq_add 2 seq_rem 0 check none
nodeid 3 member 0 failed 3 start 0 seq_add 3 seq_rem 4 check fence 531

`;
const WAIT_QUORUM = `dlm lockspaces
name          test
id            0x77222027
flags         0x00000004 kern_stop
change        member 2 joined 0 remove 1 failed 1 seq 4,4
members       1 2 
new change    member 1 joined 0 remove 1 failed 1 seq 5,5
new status    wait quorum
new members   1 
all nodes
nodeid 1 member 1 failed 0 start 0 seq_add 1 seq_rem 0 check none
nodeid 2 member 0 failed 3 start 0 seq_add 2 seq_rem 5 check fence 649
nodeid 3 member 0 failed 3 start 0 seq_add 3 seq_rem 4 check none

`;

function present(nodeId: number): LockspaceNode {
  return { nodeId, member: true, failed: false, started: true, waitsFor: 'nothing' };
}

test('a running lockspace has its members and no change', (t) => {
  t.deepEqual(parseLockspaces(RUNNING), [
    { name: 'test', flags: [], members: [1, 2, 3], change: null, nodes: [1, 2, 3].map(present) },
  ]);
});

test('a change says what it waits for and whom it leaves', (t) => {
  t.deepEqual(parseLockspaces(WAIT_FENCING), [{
    name: 'test', flags: ['kern_stop'], members: [1, 2, 3],
    change: { waitsFor: 'fencing', members: [1, 2] },
    nodes: [
      { ...present(1), started: false }, { ...present(2), started: false },
      { nodeId: 3, member: false, failed: true, started: false, waitsFor: 'fencing' },
    ],
  }]);
  t.deepEqual(parseLockspaces(WAIT_QUORUM)[0]?.change, { waitsFor: 'quorum', members: [1] });
});

test('several lockspaces are told apart', (t) => {
  const two = RUNNING + WAIT_QUORUM.replace('dlm lockspaces\n', '').replace('test', 'other');
  t.deepEqual(parseLockspaces(two).map(({ name, members }) => [name, members.length]),
    [['test', 3], ['other', 2]]);
});

test('a change without a status is still a change', (t) => {
  const text = WAIT_QUORUM.replace('new status    wait quorum\n', '');
  t.deepEqual(parseLockspaces(text)[0]?.change, { waitsFor: '', members: [1] });
});

test('output without lockspaces, and garbage, hold none', (t) => {
  for (const text of ['', '\n', 'dlm lockspaces\n', 'cannot connect to dlm_controld\n', '\u0000']) {
    t.deepEqual(parseLockspaces(text), []);
  }
});

test('settings are read with and without a word on where they come from', (t) => {
  const config = parseConfig('daemon_debug=0\nenable_fencing=1 (dlm.conf)\nprotocol=detect\n\n');
  t.is(config.get('enable_fencing'), '1');
  t.is(config.get('protocol'), 'detect');
  t.is(parseConfig('\n').size, 0);
});

/** What dlm_tool 4.2.0 printed on three real nodes: at rest, and with one dead and not fenced. */
const STATUS_REST = `cluster nodeid 1 quorate 1 ring seq 13 13
daemon now 123 fence_pid 0 
node 1 M add 68 rem 0 fail 0 fence 0 at 0 0
node 2 M add 68 rem 0 fail 0 fence 0 at 0 0
node 3 M add 68 rem 0 fail 0 fence 0 at 0 0
`;
const STATUS_FENCING = `cluster nodeid 1 quorate 1 ring seq 17 17
daemon now 134 fence_pid 245 
fence 3 nodedown pid 245 actor 1 fail 1795395762 fence 0 now 1795395765
node 1 M add 68 rem 0 fail 0 fence 0 at 0 0
node 2 M add 68 rem 0 fail 0 fence 0 at 0 0
node 3 X add 68 rem 130 fail 130 fence 0 at 0 0
`;

test('the status tells of ring, quorum, clock and members', (t) => {
  const status = parseStatus(STATUS_REST);
  t.is(status?.nodeId, 1);
  t.is(status?.quorate, true);
  t.deepEqual([status?.ringSequence, status?.ringSequenceDone], [13, 13]);
  t.deepEqual([status?.nowSeconds, status?.fencePid], [123, 0]);
  t.deepEqual(status?.nodes.map(({ nodeId, member, fencing }) => [nodeId, member, fencing]),
    [[1, true, 'none'], [2, true, 'none'], [3, true, 'none']]);
});

test('the status tells who must be fenced, and whether an agent is at work', (t) => {
  const dead = (text: string) => parseStatus(text)?.nodes[2];
  t.deepEqual(dead(STATUS_FENCING), {
    nodeId: 3, member: false, fencing: 'in-progress', joinedAtSeconds: 68, leftAtSeconds: 130,
    failedAtSeconds: 130, fencedAtSeconds: 0,
  });
  const waiting = STATUS_FENCING.replaceAll('pid 245', 'pid 0').replace('fence_pid 245', 'fence_pid 0');
  t.is(dead(waiting)?.fencing, 'needed');
});

test('what is no status is none, and any text is read without a throw', (t) => {
  t.is(parseStatus(''), null);
  t.is(parseStatus('dlm_controld is not running'), null);
  const line = fc.oneof(
    fc.constantFrom(...`${STATUS_FENCING}${RUNNING}${WAIT_FENCING}`.split('\n')), fc.string(),
  );
  fc.assert(fc.property(fc.array(line, { maxLength: 400 }), (lines) => {
    const text = lines.join('\n');
    const status = parseStatus(text);
    const lockspaces = parseLockspaces(text);
    return (status?.nodes.length ?? 0) <= 256 && lockspaces.length <= 256
      && lockspaces.every(({ nodes }) => nodes.length <= 256) && parseConfig(text).size <= 400;
  }));
});
