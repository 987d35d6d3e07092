import test from 'ava';
import { explain, type Evidence } from '../../../src/coordinator/core/explain.js';
import { Manifest } from '../../../src/coordinator/core/manifest.js';
import { initialState, type State } from '../../../src/coordinator/core/state.js';
import type { ManifestEntry } from '../../../src/coordinator/core/message.js';
import type { PeerState, Standing } from '../../../src/coordinator/core/view.js';
import { joined, listedLock, startedBench } from './harness.js';

const SILENT: Evidence = { kernel: 'none', fencing: { enabled: true, nodes: [] } };

/** A node 1 that has heard of n2 and of one lock there. */
function stateWith(standing: Standing, peer: PeerState, facts: Partial<ManifestEntry> = {}): State {
  const state = initialState({
    nodeId: 1, nodeName: 'n1', incarnation: 'i', bootId: 'b', lockspace: 'l', group: 'g',
    softwareVersion: '0',
  }, 0, 0);
  state.standing = standing;
  state.group = { kind: 'joined', self: { nodeId: 1, pid: 1 }, ring: null, members: [] };
  const entry = {
    id: 7, resource: 'vm', lockspace: 'l', mode: 'EX', state: 'held',
    owner: { kind: 'named', name: 'q' }, since: 0, generation: null, converting: null,
    ...facts,
  } as const;
  state.peers.set(2, {
    nodeId: 2, name: 'n2', state: peer, sinceMs: 0, pid: null, incarnation: null, bootId: null,
    seq: 0, manifestVersion: 1, entries: Manifest.of([entry]), assembly: null, requestedMs: null,
    goodbye: null, nodeDownMs: null, inherited: new Set(),
    protocol: null, joinedMs: 0, heardMs: 0, missingMs: null,
    ghostPid: null, isSilenceTold: false,
  });
  return state;
}

function told(state: State, evidence: Evidence = SILENT) {
  const { verdict, sentences } = explain(state, 'vm', 'vm', evidence);
  return { verdict, text: sentences.join(' ') };
}

test('what fencing does about a node that is down is told', (t) => {
  const down = stateWith({ kind: 'ok' }, 'node-down');
  const at = (fencing: Evidence['fencing']) => told(down, { ...SILENT, fencing }).text;
  const of = (fencing: 'needed' | 'in-progress') => at({ enabled: true, nodes: [{ nodeId: 2, fencing }] });
  t.regex(of('needed'), /waits for it to be fenced.*dlm_tool fence_ack 2/);
  t.regex(of('in-progress'), /A fencing agent is at work on it/);
  t.regex(at({ enabled: true, nodes: [] }), /does not wait for it to be fenced/);
  t.regex(at({ enabled: false, nodes: [] }), /Fencing is DISABLED/);
  t.regex(at(null), /dlm_controld does not answer/);
  t.is(told(down).verdict, 'node-down');
});

test('a daemon that has lost its group does not say of itself that it is gone', (t) => {
  const bench = startedBench([listedLock(7, 'held')], [{ lockName: 'disk', mode: 'EX' }]);
  bench.send({ kind: 'adopted', id: 7 });
  joined(bench);
  bench.send({ kind: 'group-lost', reason: 'corosync has gone' });
  const { verdict, sentences } = explain(bench.state, 'disk', 'disk', SILENT);
  t.is(verdict, 'isolated');
  t.regex(sentences.join(' '), /holds it in EX on alpha since .* It is kept until it is released on alpha/);
  t.notRegex(sentences.join(' '), /gone, but the kernel/);
});

test('tables that cannot be read are told, since the manifests may be wrong', (t) => {
  const { text, verdict } = told(stateWith({ kind: 'ok' }, 'synced'), { ...SILENT, kernel: null });
  t.is(verdict, 'held');
  t.regex(text, /manifests' word alone/);
});

test('what a recovered node held is not held any more', (t) => {
  t.is(told(stateWith({ kind: 'ok' }, 'recovered')).verdict, 'free');
});

test('nothing is called free while a manifest is still on its way', (t) => {
  const { text, verdict } = told(stateWith({ kind: 'ok' }, 'joining', { state: 'waiting' }));
  t.is(verdict, 'free');
  t.regex(text, /Nobody is known to hold 'vm', but what n2 holds is not known yet/);
});

test('a quarantined orphan says what to do about it', (t) => {
  const { text, verdict } = told(
    stateWith({ kind: 'ok' }, 'synced', { state: 'quarantined', owner: null }),
  );
  t.is(verdict, 'quarantined');
  t.regex(text, /no list explains holds it in EX on n2.*release it there by hand/);
});

for (const standing of [
  { kind: 'starting', waitingFor: 'quorum' },
  { kind: 'no-quorum' },
  { kind: 'recovering', waitingFor: 'fencing' },
  { kind: 'isolated', reason: 'corosync has gone' },
] as const) {
  test(`a node that is ${standing.kind} says so first and never calls anything free`, (t) => {
    const { text, verdict } = told(stateWith(standing, 'recovered'));
    t.is(verdict, standing.kind);
    t.notRegex(text, /would be granted/);
    if ('waitingFor' in standing) t.true(text.includes(standing.waitingFor));
    if ('reason' in standing) t.true(text.includes(standing.reason));
  });
}
