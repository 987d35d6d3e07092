import test from 'ava';
import { judgeLockspace, type Sighting } from '../../src/dlm/lockspace-state.js';
import type { ControllerLockspace } from '../../src/dlm/dlm-tool.js';

const RECOVERED = 0xff;

function sighting(lockspace: Partial<ControllerLockspace>, more: Partial<Sighting> = {}): Sighting {
  return {
    controller: {
      kind: 'listed',
      lockspace: { name: 'ls', flags: [], members: [1, 2], change: null, nodes: [], ...lockspace },
    },
    inKernel: true,
    recoverStatus: RECOVERED,
    configuredMembers: [1, 2],
    ...more,
  };
}

test('a lockspace without a change, recovered in the kernel, is running', (t) => {
  t.deepEqual(judgeLockspace('ls', sighting({})), { kind: 'running', members: [1, 2] });
});

test('a recovery that is done reads otherwise on the member with the lowest id', (t) => {
  t.is(judgeLockspace('ls', sighting({}, { recoverStatus: 0xff })).kind, 'running');
  t.is(judgeLockspace('ls', sighting({}, { recoverStatus: 0x55 })).kind, 'running');
});

for (const [waitsFor, reason] of [
  ['quorum', 'quorum'], ['fencing', 'fencing'], ['ringid', 'ring'], ['messages 2', 'members'],
  ['fsdone', 'members'], ['', 'recovery'], ['something new', 'recovery'],
] as const) {
  test(`a change that waits for "${waitsFor}" is waiting for ${reason}`, (t) => {
    const state = judgeLockspace('ls', sighting({ change: { waitsFor, members: [1] } }));
    t.deepEqual(state, { kind: 'waiting', for: reason, members: [1, 2] });
  });
}

for (const [title, seen] of [
  ['dlm_controld has stopped it', sighting({ flags: ['kern_stop'] })],
  ['the kernel has stopped it', sighting({}, { recoverStatus: 0 })],
  ['the member with the lowest id waits for the others', sighting({}, { recoverStatus: 0x7f })],
  ['another member has not recovered', sighting({}, { recoverStatus: 0x15 })],
  ['the kernel\'s progress cannot be read', sighting({}, { recoverStatus: null })],
  ['the kernel was given other members', sighting({}, { configuredMembers: [1] })],
] as const) {
  test(`it is not running while ${title}`, (t) => {
    t.deepEqual(judgeLockspace('ls', seen), { kind: 'waiting', for: 'recovery', members: [1, 2] });
  });
}

test('it is not running while this node is joining or leaving', (t) => {
  t.is(judgeLockspace('ls', sighting({ flags: ['joinleave'] })).kind, 'waiting');
  t.is(judgeLockspace('ls', sighting({ members: [] }, { configuredMembers: [] })).kind, 'waiting');
});

test('members in another order are the same members', (t) => {
  t.is(judgeLockspace('ls', sighting({ members: [2, 1] })).kind, 'running');
});

test('a lockspace that is not in the kernel is absent, whatever dlm_controld says', (t) => {
  t.deepEqual(judgeLockspace('ls', sighting({}, { inKernel: false })), { kind: 'absent' });
  const unanswered = { kind: 'unanswered', reason: 'away' } as const;
  const seen = sighting({}, { inKernel: false, controller: unanswered });
  t.deepEqual(judgeLockspace('ls', seen), { kind: 'absent' });
});

test('a lockspace in the kernel that nobody vouches for is abandoned', (t) => {
  const away = sighting({}, { controller: { kind: 'unanswered', reason: 'away' } });
  t.deepEqual(judgeLockspace('ls', away), { kind: 'abandoned', reason: 'away' });
  const unlisted = sighting({}, { controller: { kind: 'unlisted' } });
  t.is(judgeLockspace('ls', unlisted).kind, 'abandoned');
});
