import test from 'ava';
import type { LockspaceNode } from '../../src/dlm/cluster-view.js';
import { parseConfig, parseLockspaces } from '../../src/dlm/dlm-tool.js';

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
