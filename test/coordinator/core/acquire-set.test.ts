import test from 'ava';

import { inOrder } from '../../../src/coordinator/core/lock-set.js';
import type { LockMode } from '../../../src/coordinator/core/mode.js';
import { viewLocks } from '../../../src/coordinator/core/lock-view.js';
import { nextDeadlineMs } from '../../../src/coordinator/core/deadline.js';
import type { Owner } from '../../../src/coordinator/core/owner.js';
import { CANCEL_GRACE_MS, OWN_LOCKS_MAX, SETS_MAX } from '../../../src/coordinator/core/limits.js';
import { actionNames, entryOf, foundBench, joined, kindsOf, listedLock, logsOf, recordNames, recordsOf, sentBodies, startedBench, OTHER, PROCESS, VM, Bench } from './harness.js';

interface Wish {
  readonly names?: readonly string[];
  readonly mode?: LockMode;
  readonly owner?: Owner;
  readonly waitMs?: number | null;
}

function askSet(bench: Bench, wish: Wish = {}) {
  const { names = ['c', 'a', 'b'], mode = 'EX', owner = VM, waitMs = null } = wish;
  const caller = bench.caller();
  const members = names.map((name) => ({ resource: name, lockName: name, mode }));
  const effects = bench.send({ kind: 'acquire-set', caller, members, owner, waitMs });
  return { caller, effects, number: bench.state.nextLockId - 1 };
}

const idOf = (bench: Bench, name: string, owner: Owner = VM) =>
  bench.find(name, owner)?.facts.id ?? -1;

function grant(bench: Bench, name: string, owner: Owner = VM) {
  return bench.send({ kind: 'granted', id: idOf(bench, name, owner) });
}

/** Asks for a, b, c and has a and b granted. */
function halfTaken(wish: Wish = {}) {
  const bench = startedBench();
  const asked = askSet(bench, wish);
  grant(bench, 'a', wish.owner);
  grant(bench, 'b', wish.owner);
  const ids = ['a', 'b', 'c'].map((name) => idOf(bench, name, wish.owner));
  return { bench, ...asked, ids };
}

function refusalOf(bench: Bench, caller: number): string {
  const answer = bench.answer(caller);
  return answer.kind === 'refused' ? answer.message : answer.kind;
}

test('members are taken one after the other in the order of their names, whatever was asked', (t) => {
  const bench = startedBench();
  const { caller, effects } = askSet(bench);
  t.deepEqual(recordNames(effects), ['intent 1']);
  t.like(recordsOf(effects)[0], { lock: { resource: 'a', set: 1 } });
  t.deepEqual(actionNames(effects), ['take 1']);
  t.deepEqual(actionNames(grant(bench, 'a')), ['take 2']);
  t.deepEqual(actionNames(grant(bench, 'b')), ['take 3']);
  t.is(bench.state.locks.get(2)?.facts.resource, 'b');
  t.is(bench.state.locks.get(3)?.facts.set, 1);
  t.is(bench.outcome(caller), 'open');
  t.deepEqual(['a', 'b', 'c'].map((name) => bench.phase(idOf(bench, name))), [
    'gathered', 'gathered', 'taking',
  ]);
});

test('when the last is granted, all are listed as held in one append, and then answered once', (t) => {
  const { bench, caller } = halfTaken();
  const effects = grant(bench, 'c');
  t.deepEqual(recordNames(effects), ['held 1', 'held 2', 'held 3']);
  t.deepEqual(kindsOf(effects).filter((kind) => kind !== 'send'), ['persist', 'confirm-set']);
  t.is(bench.outcome(caller), 'open');
  bench.nowMs += 5;
  bench.send({ kind: 'set-listed', set: 1 });
  const answer = bench.answer(caller);
  const members = answer.kind === 'acquired-set' ? answer.members : [];
  t.deepEqual(members.map(({ lock, acquired }) => [lock.resource, lock.state, acquired]), [
    ['c', 'held', true], ['a', 'held', true], ['b', 'held', true],
  ]);
  t.deepEqual([1, 2, 3].map((id) => bench.phase(id)), ['held', 'held', 'held']);
  t.is(bench.state.sets.size, 0);
});

test('names compare by their bytes, not by their UTF-16', (t) => {
  const names = ['\u{1F512}', '\uFFFD', 'z', 'é', 'zz', 'Z'];
  const members = names.map((name) => ({ resource: name, lockName: name, mode: 'EX' as const }));
  const bytes = names.map((name) => Buffer.from(name)).sort((one, other) => one.compare(other));
  t.deepEqual(inOrder(members).map(({ lockName }) => lockName), bytes.map(String));
});

test('a refused member takes the others back before the refusal is told', (t) => {
  const { bench, caller, ids } = halfTaken({ waitMs: 0 });
  bench.tell(2, 1, [entryOf(9, { resource: 'c' })]);
  const effects = bench.fail(ids[2] ?? 0, 'WOULD_BLOCK');
  t.deepEqual([...recordNames(effects)].sort(), ['dropped 3', 'releasing 1', 'releasing 2']);
  t.deepEqual(actionNames(effects), ['unlock 1', 'unlock 2']);
  t.is(bench.outcome(caller), 'open');
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(caller), 'open');
  bench.send({ kind: 'unlocked', id: 2 });
  t.is(bench.outcome(caller), 'HELD');
  t.regex(refusalOf(bench, caller), /^nothing was taken: EX on 'c' was refused: vm-18 holds it/);
  t.is(bench.listed.size, 0);
});

test('a refusal that nobody explains rolls back when its moment has passed', (t) => {
  const { bench, caller, ids } = halfTaken({ waitMs: 0 });
  t.deepEqual(actionNames(bench.fail(ids[2] ?? 0, 'WOULD_BLOCK')), []);
  t.deepEqual(actionNames(bench.wait(600)), ['unlock 1', 'unlock 2']);
  for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'HELD');
});

test('what the owner held before is not taken again, and stays when the rest is refused', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'a' });
  bench.hold({ resource: 'c' });
  const { caller } = askSet(bench, { waitMs: 0 });
  bench.tell(2, 1, [entryOf(9, { resource: 'b' })]);
  bench.fail(idOf(bench, 'b'), 'WOULD_BLOCK');
  t.is(bench.outcome(caller), 'HELD');
  t.deepEqual(['a', 'c'].map((name) => bench.phase(idOf(bench, name))), ['held', 'held']);
});

test('a set that is held already is confirmed at once, with nothing written', (t) => {
  const bench = startedBench();
  for (const name of ['a', 'b', 'c']) bench.hold({ resource: name });
  const { caller, effects } = askSet(bench, { waitMs: 0, mode: 'PR' });
  t.deepEqual([...recordNames(effects), ...actionNames(effects)], []);
  const answer = bench.answer(caller);
  t.true(answer.kind === 'acquired-set' && answer.members.every(({ acquired }) => !acquired));
});

test('a member that the owner holds in a weaker mode, or that is in motion, refuses the set', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'b', mode: 'PR' });
  const weaker = askSet(bench);
  t.is(bench.outcome(weaker.caller), 'BUSY');
  t.regex(refusalOf(bench, weaker.caller), /holds 'b' in PR/);
  bench.release(VM, 'b');
  const moving = askSet(bench);
  t.is(bench.outcome(moving.caller), 'BUSY');
  t.deepEqual(actionNames(moving.effects), []);
  t.is(bench.state.sets.size, 0);
});

test('one deadline counts for all members together', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { waitMs: 1_000 });
  bench.nowMs += 600;
  grant(bench, 'a');
  t.deepEqual(actionNames(bench.wait(399)), []);
  t.deepEqual(actionNames(bench.wait(1)), ['cancel 2']);
  t.deepEqual(actionNames(bench.fail(2, 'CANCELED')), []);
  bench.wait(600);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(caller), 'TIMEOUT');
  t.is(bench.state.locks.size, 0);
});

test('a member whose turn comes too late is not asked for', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { waitMs: 1_000 });
  bench.nowMs += 1_000;
  const effects = grant(bench, 'a');
  t.deepEqual(actionNames(effects), ['unlock 1']);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(caller), 'TIMEOUT');
});

test('a caller that goes away takes all of it back, and hears nothing', (t) => {
  const { bench, caller } = halfTaken();
  const effects = bench.send({ kind: 'caller-gone', caller });
  t.deepEqual([...actionNames(effects)].sort(), ['cancel 3', 'unlock 1', 'unlock 2']);
  // The grant wins the race against the cancel: given back as well.
  t.deepEqual(actionNames(bench.send({ kind: 'granted', id: 3 })), ['unlock 3']);
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'open');
  t.is(bench.state.sets.size, 0);
  t.is(bench.listed.size, 0);
});

test('the end of the owning process ends its sets', (t) => {
  const { bench, caller } = halfTaken({ owner: PROCESS });
  const effects = bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.deepEqual([...actionNames(effects)].sort(), ['cancel 3', 'unlock 1', 'unlock 2']);
  bench.fail(3, 'CANCELED');
  for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.state.locks.size, 0);
});

test('the release of any member while the set is under way cancels the whole', (t) => {
  for (const name of ['a', 'b', 'c']) {
    const { bench, caller } = halfTaken();
    const release = bench.release(VM, name);
    t.deepEqual([...actionNames(release.effects)].sort(), ['cancel 3', 'unlock 1', 'unlock 2'], name);
    bench.fail(3, 'CANCELED');
    for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
    t.is(bench.outcome(caller), 'CANCELED');
    t.is(bench.outcome(release.caller), 'released');
    t.is(bench.state.locks.size, 0);
  }
});

test('the release of a member that was held before cancels the set, and is answered itself', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'a' });
  const { caller } = askSet(bench);
  const release = bench.release(VM, 'a');
  bench.send({ kind: 'unlocked', id: 1 });
  bench.fail(2, 'CANCELED');
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.outcome(release.caller), 'released');
});

test('nobody else is given a lock that a set may still take back', (t) => {
  const { bench } = halfTaken();
  for (const name of ['a', 'c']) t.is(bench.outcome(bench.acquire({ resource: name }).caller), 'BUSY');
  const other = askSet(bench, { names: ['b', 'x'] });
  t.is(bench.outcome(other.caller), 'BUSY');
});

test('a convert of a lock that a set is gathering is busy, and the set goes on', (t) => {
  const { bench, caller } = halfTaken();
  for (const mode of ['PR', 'EX'] as const) {
    t.is(bench.outcome(bench.convert(mode, { resource: 'a' }).caller), 'BUSY');
  }
  grant(bench, 'c');
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'acquired-set');
});

test('a member that its owner lowers while the rest is taken fails the set', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'a' });
  const { caller } = askSet(bench, { names: ['a', 'b'] });
  const lowered = bench.convert('PR', { resource: 'a' });
  bench.send({ kind: 'converted', id: idOf(bench, 'a') });
  t.is(bench.outcome(lowered.caller), 'converted');
  grant(bench, 'b');
  bench.send({ kind: 'set-listed', set: 2 });
  bench.send({ kind: 'unlocked', id: 2 });
  t.is(bench.outcome(caller), 'BUSY');
  t.regex(refusalOf(bench, caller), /'a' is no longer held as it was/);
  t.deepEqual([idOf(bench, 'a'), idOf(bench, 'b')].map((id) => bench.phase(id)), ['held', 'none']);
  t.is(bench.mode(idOf(bench, 'a')), 'PR');
});

test('a resource that another request of the owner took meanwhile counts as held before', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench);
  const single = bench.hold({ resource: 'c' });
  grant(bench, 'a');
  t.deepEqual(recordNames(grant(bench, 'b')), ['held 1', 'held 3']);
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'acquired-set');
  t.is(bench.state.locks.get(single)?.facts.set, undefined);
});

test('in a stopped lockspace a set parks, at its beginning and in the middle', (t) => {
  const bench = startedBench();
  bench.stopped();
  const { caller } = askSet(bench, { names: ['a', 'b'], mode: 'PR' });
  t.is(bench.phase(1), 'parked');
  t.deepEqual(actionNames(bench.running()), ['take 1']);
  bench.stopped();
  t.deepEqual(actionNames(grant(bench, 'a')), []);
  t.is(bench.phase(2), 'parked');
  t.deepEqual(actionNames(bench.running()), ['take 2']);
  grant(bench, 'b');
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'acquired-set');
});

test('one that does not wait is refused when the lockspace stops in the middle', (t) => {
  const { bench, caller } = halfTaken({ waitMs: 0 });
  bench.stopped();
  t.is(bench.outcome(caller), 'RECOVERING');
  t.regex(refusalOf(bench, caller), /released as soon as the lockspace allows$/);
  bench.running();
  bench.send({ kind: 'granted', id: 3 });
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.listed.size, 0);
});

test('an exclusive member counts as granted only when it has its generation', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { names: ['a', 'b'] });
  bench.stopped();
  t.deepEqual(actionNames(grant(bench, 'a')), []);
  t.is(bench.phase(1), 'claiming');
  bench.running();
  t.is(bench.phase(1), 'gathered');
  grant(bench, 'b');
  t.true(recordsOf(bench.send({ kind: 'set-listed', set: 1 })).length === 0);
  const answer = bench.answer(caller);
  const generations = answer.kind === 'acquired-set'
    ? answer.members.map(({ lock }) => lock.generation) : [];
  t.true(generations.length === 2 && generations.every((number) => number !== null));
  t.deepEqual([1, 2].map((id) => bench.listed.get(id)?.generation), generations);
});

test('the loss of quorum in the middle refuses the next member and rolls back', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { mode: 'PR' });
  bench.quorum(false);
  grant(bench, 'a');
  t.is(bench.outcome(caller), 'NO_QUORUM');
  t.is(bench.phase(1), 'releasing');
});

test('a node that is isolated by the end confirms nothing', (t) => {
  const { bench, caller } = halfTaken();
  grant(bench, 'c');
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'ISOLATED');
  t.deepEqual([1, 2, 3].map((id) => bench.phase(id)), ['releasing', 'releasing', 'releasing']);
  t.is(bench.outcome(askSet(bench, { names: ['x', 'y'] }).caller), 'ISOLATED');
});

test('the death of the child in the middle gives everything back when it is adopted', (t) => {
  const { bench, caller } = halfTaken();
  const effects = bench.lose();
  t.deepEqual([...recordNames(effects)].sort(), ['releasing 1', 'releasing 2', 'releasing 3']);
  t.is(bench.outcome(caller), 'LOCK_MANAGER');
  bench.open([
    { lockName: 'a', mode: 'EX' }, { lockName: 'b', mode: 'EX' }, { lockName: 'c', mode: 'NL' },
  ]);
  for (const id of [1, 2, 3]) bench.send({ kind: 'adopted', id });
  bench.running();
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.listed.size, 0);
});

test('a set that only waits for the lockspace outlives the death of the child', (t) => {
  const bench = startedBench();
  bench.stopped();
  const { caller } = askSet(bench);
  bench.lose();
  t.is(bench.outcome(caller), 'open');
  bench.open([]);
  t.deepEqual(actionNames(bench.running()), ['take 1']);
});

test('when the intent of a member cannot be written, the others are given back', (t) => {
  const { bench, caller } = halfTaken();
  // As it is after a failed write: the intent is not in the list.
  bench.listed.delete(3);
  const effects = bench.send({ kind: 'intent-failed', ids: [3], message: 'disk full' });
  t.deepEqual(actionNames(effects), ['unlock 1', 'unlock 2']);
  for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'LIST_FAILED');
});

test('when the set cannot be listed as held, nobody is told that it is, and it is given back', (t) => {
  const { bench, caller } = halfTaken();
  grant(bench, 'c');
  const effects = bench.send({ kind: 'set-unlisted', set: 1, message: 'disk full' });
  t.deepEqual(actionNames(effects), ['unlock 1', 'unlock 2', 'unlock 3']);
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'LIST_FAILED');
});

test('a set that a release cancels while it is being listed is not told as held', (t) => {
  const { bench, caller } = halfTaken();
  grant(bench, 'c');
  bench.release(VM, 'b');
  bench.send({ kind: 'set-listed', set: 1 });
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.listed.size, 0);
});

test('a stop gives back what is not complete, kept locks or not', (t) => {
  for (const locks of ['refuse', 'release', 'keep'] as const) {
    const { bench, caller } = halfTaken();
    const stopper = bench.caller();
    bench.send({ kind: 'stop', caller: stopper, locks });
    t.is(bench.outcome(stopper), 'open');
    bench.fail(3, 'CANCELED');
    for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
    t.is(bench.outcome(caller), 'STOPPING');
    t.like(bench.answer(stopper), { kind: 'stopped', kept: 0 });
  }
});

test('a roll-back that the kernel does not finish is not waited for longer than the grace', (t) => {
  const { bench, caller } = halfTaken();
  bench.release(VM, 'c');
  t.is(bench.outcome(caller), 'open');
  t.true(nextDeadlineMs(bench.state) <= bench.nowMs + CANCEL_GRACE_MS);
  bench.wait(CANCEL_GRACE_MS);
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.state.sets.size, 0);
});

test('a granted member is in the way of others, and its owner has no word of it yet', (t) => {
  const { bench } = halfTaken();
  const view = viewLocks(bench.state).find(({ resource }) => resource === 'a');
  t.like(view, { state: 'taking' });
  t.regex(view?.note ?? '', /when the rest of its set is granted/);
  t.is(bench.state.announced.get(1)?.state, 'held');
  const other = bench.acquire({ resource: 'a', owner: OTHER });
  bench.fail(other.id, 'WOULD_BLOCK');
  const answer = bench.answer(other.caller);
  t.like(answer, { code: 'HELD' });
  t.regex(answer.kind === 'refused' ? answer.message : '', /vm-17 holds it EX on alpha/);
});

test('those who watch hear that each member is held when the set is complete', (t) => {
  const { bench } = halfTaken();
  grant(bench, 'c');
  const effects = bench.send({ kind: 'set-listed', set: 1 });
  const held = effects.flatMap((effect) => effect.kind === 'publish'
    && effect.event.type === 'lock' && effect.event.lock.state === 'held'
    ? [effect.event.lock.resource] : []);
  t.deepEqual(held.sort(), ['a', 'b', 'c']);
  t.true(sentBodies(effects).some(({ kind }) => kind === 'delta'));
});

test('sets and their members count against the bounds of this node', (t) => {
  const bench = startedBench();
  const filler = bench.state.locks.get(bench.hold({ resource: 'filler' }));
  if (filler === undefined) throw new Error('nothing to fill the node with');
  for (let at = 2; at < OWN_LOCKS_MAX - 1; at += 1) bench.state.locks.set(-at, filler);
  t.is(bench.outcome(askSet(bench).caller), 'LIMIT');
  for (let at = 2; at < OWN_LOCKS_MAX - 1; at += 1) bench.state.locks.delete(-at);
  for (let at = 0; at < SETS_MAX; at += 1) askSet(bench, { names: [`a${at}`, `b${at}`] });
  t.is(bench.state.sets.size, SETS_MAX);
  t.is(bench.outcome(askSet(bench, { names: ['x', 'y'] }).caller), 'LIMIT');
});

test('a start rolls back a set of which any member is an intent, the held ones too', (t) => {
  const bench = foundBench([
    listedLock(4, 'held', { resource: 'a', lockName: 'a', set: 4 }),
    listedLock(5, 'intent', { resource: 'b', lockName: 'b', set: 4 }),
    listedLock(6, 'held', { resource: 'x', lockName: 'x' }),
  ]);
  t.deepEqual([4, 5].map((id) => bench.listed.get(id)?.state), ['releasing', 'releasing']);
  bench.open([
    { lockName: 'a', mode: 'EX' }, { lockName: 'b', mode: 'EX' }, { lockName: 'x', mode: 'EX' },
  ]);
  for (const id of [4, 5, 6]) bench.send({ kind: 'adopted', id });
  joined(bench);
  bench.running();
  for (const id of [4, 5]) bench.send({ kind: 'unlocked', id });
  t.deepEqual([...bench.state.locks.keys()], [6]);
  t.is(bench.phase(6), 'held');
});

test('a start keeps a set whose members are all held, also when one was released since', (t) => {
  const bench = foundBench([
    listedLock(4, 'held', { resource: 'a', lockName: 'a', set: 4 }),
    listedLock(5, 'held', { resource: 'b', lockName: 'b', set: 4 }),
    listedLock(6, 'releasing', { resource: 'c', lockName: 'c', set: 4 }),
  ]);
  bench.open(['a', 'b', 'c'].map((lockName) => ({ lockName, mode: 'EX' as const })));
  for (const id of [4, 5, 6]) bench.send({ kind: 'adopted', id });
  t.deepEqual([4, 5, 6].map((id) => bench.phase(id)), ['held', 'held', 'releasing']);
  t.deepEqual(logsOf(bench.running(), 'error'), []);
});

test('after damage a set with a held member is kept, and what the kernel lacks of it is lost', (t) => {
  const listed = [
    listedLock(4, 'held', { resource: 'a', lockName: 'a', set: 4 }),
    listedLock(5, 'intent', { resource: 'b', lockName: 'b', set: 4 }),
    listedLock(6, 'intent', { resource: 'c', lockName: 'c', set: 4 }),
  ];
  const bench = foundBench(listed, { upTo: 0, isCertain: false });
  t.deepEqual([4, 5, 6].map((id) => bench.listed.get(id)?.state), ['held', 'held', 'held'],
    'a crash after the damaged list was written anew must not roll it back either');
  const opened = bench.open(['a', 'b'].map((lockName) => ({ lockName, mode: 'EX' as const })));
  t.regex(logsOf(opened, 'error').join(), /'c' .* is LOST/);
  for (const id of [4, 5]) t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), []);
  joined(bench);
  t.deepEqual(actionNames(bench.running()), []);
  t.deepEqual([4, 5, 6].map((id) => bench.phase(id)), ['held', 'held', 'none']);
});

test('after damage a set is told as kept, and one of intents alone is not given back', (t) => {
  const bench = new Bench();
  const locks = ['a', 'b'].map((name, at) => {
    return listedLock(4 + at, 'intent', { resource: name, lockName: name, set: 4 });
  });
  for (const entry of locks) bench.listed.set(entry.lock.id, entry);
  const generations = { upTo: 0, isCertain: false };
  const effects = bench.send({ kind: 'list-found', locks, generations });
  t.regex(logsOf(effects, 'warn').join(), /'a', 'b' of .*vm-17.* is kept: the lock list was damaged/);
  t.deepEqual([4, 5].map((id) => bench.listed.get(id)?.state), ['intent', 'intent']);
});
