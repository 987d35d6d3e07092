import test from 'ava';

import type { Effect } from '../../src/coordinator/core/effect.js';
import type { CoreEvent } from '../../src/coordinator/core/event.js';
import type { LockView } from '../../src/coordinator/core/view.js';
import type { ListRecord, LockFacts } from '../../src/coordinator/core/record.js';
import { EffectRunner, STEPS_WAITING_MAX } from '../../src/coordinator/effect-runner.js';
import { ListError } from '../../src/coordinator/list/index.js';
import { turns } from './fakes.js';

const LOCK: LockFacts = {
  id: 1, resource: 'disk', lockName: 'disk', mode: 'EX', owner: null, bootId: 'b',
};
const INTENT: ListRecord = { kind: 'intent', at: 0, lock: LOCK };
const DROPPED: ListRecord = { kind: 'dropped', at: 0, id: 9, why: 'released' };
const TAKE: Effect = {
  kind: 'lock', action: { kind: 'take', id: 1, lockName: 'disk', mode: 'EX', wait: false }, opening: 1,
};
const VIEW = { resource: 'disk' } as LockView;
const LOG: Effect = { kind: 'log', level: 'info', message: 'later' };

function acquired(caller: number, id: number): Effect {
  const answer = { kind: 'acquired', id, lock: VIEW, acquired: true } as const;
  return { kind: 'reply', caller, answer };
}

function persist(...records: ListRecord[]): Effect {
  return { kind: 'persist', records, isLate: false };
}

function persistLate(...records: ListRecord[]): Effect {
  return { kind: 'persist', records, isLate: true };
}

function bench() {
  const writes: (readonly ListRecord[])[] = [];
  const done: Effect[] = [];
  const events: CoreEvent[] = [];
  const faults = { write: null as Error | null, perform: null as Error | null };
  const runner = new EffectRunner({
    append: (records) => {
      writes.push(records);
      return faults.write === null ? Promise.resolve() : Promise.reject(faults.write);
    },
    perform: (effect) => {
      if (faults.perform !== null) throw faults.perform;
      done.push(effect);
    },
    dispatch: (event) => events.push(event),
  });
  return { writes, done, events, faults, runner };
}

test('news in front of the records are told before those are written', (t) => {
  const { runner, done, writes } = bench();
  const first: Effect = { kind: 'log', level: 'error', message: 'LOST' };
  runner.push([first, persist(DROPPED), LOG]);
  t.deepEqual(done, [first]);
  t.is(writes.length, 1);
  return runner.settled().then(() => t.deepEqual(done, [first, LOG]));
});

test('nothing of a step is carried out before its records are written', async (t) => {
  const { runner, done } = bench();
  runner.push([persist(INTENT), TAKE]);
  t.deepEqual(done, []);
  await runner.settled();
  t.deepEqual(done, [TAKE]);
});

test('a step without records waits for those before it', async (t) => {
  const { runner, done } = bench();
  runner.push([persist(INTENT), TAKE]);
  runner.push([LOG]);
  t.deepEqual(done, []);
  await runner.settled();
  t.deepEqual(done, [TAKE, LOG]);
});

test('late records are written behind what their steps do, unless another step waits for a write', async (t) => {
  const { runner, done, writes } = bench();
  runner.push([persistLate(DROPPED), LOG]);
  t.deepEqual([done, writes], [[LOG], [[DROPPED]]]);
  runner.push([persistLate(DROPPED), LOG]);
  runner.push([persist(INTENT), TAKE]);
  t.deepEqual(done, [LOG]);
  await runner.settled();
  t.deepEqual(done, [LOG, LOG, TAKE]);
  t.deepEqual(writes, [[DROPPED], [DROPPED, INTENT]]);
});

test('late records that could not be written go before the next', async (t) => {
  const { runner, done, writes, faults } = bench();
  faults.write = new Error('disk full');
  runner.push([persistLate(DROPPED), LOG]);
  await runner.settled();
  t.deepEqual(done, [LOG]);
  faults.write = null;
  runner.push([persist(INTENT), TAKE]);
  await runner.settled();
  t.deepEqual(writes.at(-1), [DROPPED, INTENT]);
});

test('the records of all steps that wait go into one write', async (t) => {
  const { runner, writes } = bench();
  runner.push([persist(INTENT), TAKE]);
  runner.push([persist(DROPPED)]);
  runner.push([persist(DROPPED)]);
  await runner.settled();
  t.deepEqual(writes.map(({ length }) => length), [1, 2]);
});

test('a take whose intent was not written is not asked for, everything else is', async (t) => {
  const { runner, done, events, faults } = bench();
  faults.write = new Error('disk full');
  runner.push([persist(INTENT), TAKE, LOG]);
  await runner.settled();
  t.deepEqual(done, [LOG]);
  t.deepEqual(events.at(-1), { kind: 'intent-failed', ids: [1], message: 'disk full' });
});

test('what could not be written is written before anything new, without the intents', async (t) => {
  const { runner, writes, events, faults } = bench();
  faults.write = new Error('disk full');
  runner.push([persist(INTENT, DROPPED), TAKE]);
  await runner.settled();
  faults.write = null;
  runner.push([persist(INTENT), TAKE]);
  await runner.settled();
  t.deepEqual(writes.at(-1), [DROPPED, INTENT]);
  t.is(events.length, 1);
});

test('what could not be written is written once the list takes it, without a further step', async (t) => {
  const { runner, writes, faults } = bench();
  faults.write = new Error('disk full');
  runner.push([persist(DROPPED), LOG]);
  runner.push([LOG]);
  await runner.settled();
  const before = writes.length;
  faults.write = null;
  runner.retry();
  await runner.settled();
  t.deepEqual(writes.slice(before), [[DROPPED]]);
  runner.retry();
  await runner.settled();
  t.is(writes.length, before + 1);
});

test('news of others are told at once and in their order, whatever waits for the disk', async (t) => {
  const done: Effect[] = [];
  const news = (name: string): Effect => {
    return { kind: 'tell', event: { at: name, type: 'standing', standing: { kind: 'ok' } } };
  };
  const [one, two, three, nested] = [news('one'), news('two'), news('three'), news('nested')];
  let answer: () => void = () => undefined;
  const runner = new EffectRunner({
    append: () => new Promise((resolve) => { answer = resolve; }),
    perform: (effect) => {
      done.push(effect);
      if (effect === one) runner.push([nested]);
    },
    dispatch: () => undefined,
  });
  runner.push([persist(INTENT), TAKE]);
  runner.push([one, two, persist(DROPPED), LOG]);
  runner.holdUp(true);
  runner.push([three]);
  t.deepEqual(done, [one, two, nested, three]);
  answer();
  await turns();
  answer();
  await runner.settled();
  t.deepEqual(done, [one, two, nested, three, TAKE, LOG]);
});

test('behind a disk that hangs a log and a refusal are told out of turn, and nothing else is', async (t) => {
  const done: Effect[] = [];
  let answer: () => void = () => undefined;
  const runner = new EffectRunner({
    append: () => new Promise((resolve) => { answer = resolve; }),
    perform: (effect) => done.push(effect),
    dispatch: () => undefined,
  });
  runner.push([persist(INTENT), TAKE]);
  while (!runner.isFull) runner.push([TAKE]);
  runner.push([LOG]);
  runner.push([TAKE, LOG]);
  runner.push([{ kind: 'publish', event: { at: '', type: 'lock', lock: VIEW, gone: false } }]);
  t.deepEqual(done, [LOG]);
  answer();
  await runner.settled();
  t.false(runner.isFull);
  t.deepEqual(done.length, 1 + 1 + STEPS_WAITING_MAX + 3);
});

test('a list that is well says nothing at each write', async (t) => {
  const { runner, events } = bench();
  runner.push([persist(INTENT), TAKE]);
  await runner.settled();
  t.deepEqual(events, []);
});

test('an effect that fails is warned of and does not hold up the next step', async (t) => {
  const { runner, done, events, faults } = bench();
  faults.perform = new Error('too many open files');
  runner.push([persist(INTENT), TAKE]);
  await turns();
  faults.perform = null;
  runner.push([LOG]);
  await runner.settled();
  t.deepEqual(done, [LOG]);
  t.like(events[0], { kind: 'warning', topic: 'effect lock' });
});

test('more records than the list takes at once are written in pieces, in their order', async (t) => {
  const { runner, writes } = bench();
  const records = Array.from({ length: 2_500 }, (_, index): ListRecord => {
    return { kind: 'dropped', at: 0, id: index, why: 'ended by a reboot' };
  });
  runner.push([persist(...records)]);
  await runner.settled();
  t.deepEqual(writes.map((piece) => piece.length), [1_024, 1_024, 452]);
  t.deepEqual(writes.flat(), records);
});

test('a record that the list will never take costs no other one', async (t) => {
  const taken: ListRecord[] = [];
  const done: Effect[] = [];
  const events: CoreEvent[] = [];
  const runner = new EffectRunner({
    append: (records) => {
      if (records.includes(DROPPED)) {
        return Promise.reject(new ListError('BAD_RECORD', 'not listed', { retryable: false }));
      }
      taken.push(...records);
      return Promise.resolve();
    },
    perform: (effect) => done.push(effect),
    dispatch: (event) => events.push(event),
  });
  runner.push([persist(DROPPED), LOG]);
  runner.push([persist(INTENT), TAKE]);
  await runner.settled();
  t.deepEqual(taken, [INTENT]);
  t.deepEqual(done, [LOG, TAKE]);
  t.false(events.some((event) => event.kind === 'intent-failed'));
  t.like(events[0], { kind: 'warning', topic: 'list-record' });
});

test('a disk that fills up while a bad record is sought costs no record but the bad one', async (t) => {
  const taken: ListRecord[] = [];
  const faults = { isFull: true };
  const runner = new EffectRunner({
    append: (records) => {
      if (records.includes(DROPPED)) {
        return Promise.reject(new ListError('BAD_RECORD', 'not listed', { retryable: false }));
      }
      if (faults.isFull) {
        return Promise.reject(new ListError('NO_SPACE', 'the disk is full', { retryable: true }));
      }
      taken.push(...records);
      return Promise.resolve();
    },
    perform: () => undefined,
    dispatch: () => undefined,
  });
  const releasing: ListRecord = { kind: 'releasing', at: 0, id: 4, why: 'asked for' };
  const dropped: ListRecord = { kind: 'dropped', at: 0, id: 5, why: 'released' };
  runner.push([persist(DROPPED, releasing, dropped)]);
  await runner.settled();
  t.deepEqual(taken, []);
  faults.isFull = false;
  runner.retry();
  await runner.settled();
  t.deepEqual(taken, [releasing, dropped]);
});

test('what follows on an intent that was not written is not kept either', async (t) => {
  const { runner, faults, writes, events } = bench();
  faults.write = new Error('no space');
  const releasing: ListRecord = { kind: 'releasing', at: 0, id: 1, why: 'the child died' };
  // The first is written alone; the other two wait and share a write.
  runner.push([persist({ kind: 'held', at: 0, id: 4 })]);
  runner.push([persist(INTENT), TAKE]);
  runner.push([persist(releasing, DROPPED)]);
  await runner.settled();
  t.deepEqual(events.filter((event) => event.kind === 'intent-failed').length, 1);
  faults.write = null;
  runner.push([persist({ kind: 'held', at: 0, id: 5 })]);
  await runner.settled();
  const held = (id: number): ListRecord => ({ kind: 'held', at: 0, id });
  t.deepEqual(writes.at(-1), [held(4), DROPPED, held(5)]);
});

const HELD: ListRecord[] = [{ kind: 'held', at: 0, id: 1 }, { kind: 'held', at: 0, id: 2 }];
const CONFIRM_HELD: Effect = { kind: 'confirm-held', id: 1 };
const CONFIRM: Effect = { kind: 'confirm-set', set: 1, ids: [1, 2] };

test('a set is confirmed when its members are written as held, in one append', async (t) => {
  const { runner, writes, events } = bench();
  runner.push([persist(...HELD), CONFIRM]);
  t.deepEqual(events, []);
  await runner.settled();
  t.deepEqual(writes, [HELD]);
  t.deepEqual(events, [{ kind: 'set-listed', set: 1 }]);
});

test('members that could not be written are said so, and are not written later', async (t) => {
  const { runner, writes, events, faults } = bench();
  faults.write = new ListError('NO_SPACE', 'the disk is full', { retryable: true });
  runner.push([persist(...HELD, DROPPED), CONFIRM]);
  await runner.settled();
  t.deepEqual(events.filter(({ kind }) => kind !== 'warning'), [
    { kind: 'set-unlisted', set: 1, message: 'the disk is full' },
  ]);
  faults.write = null;
  const releasing: ListRecord = { kind: 'releasing', at: 0, id: 1, why: 'given back' };
  runner.push([persist(releasing)]);
  await runner.settled();
  t.deepEqual(writes.at(-1), [DROPPED, releasing]);
});

test('who may hear of a lock that could not be listed as held is refused; nobody else is', async (t) => {
  const { runner, writes, done, events, faults } = bench();
  faults.write = new ListError('NO_SPACE', 'the disk is full', { retryable: true });
  runner.push([persist({ kind: 'held', at: 0, id: 1 }, DROPPED), CONFIRM_HELD, acquired(1, 1)]);
  // Pushed while that write is under way: what the core said before it knew.
  runner.push([acquired(2, 1)]);
  runner.push([persist({ kind: 'held', at: 0, id: 3 }), acquired(3, 7)]);
  await runner.settled();
  t.deepEqual(done.map((effect) => effect.kind === 'reply' && [
    effect.caller, effect.answer.kind === 'refused' ? effect.answer.code : effect.answer.kind,
  ]), [[1, 'LIST_FAILED'], [2, 'LIST_FAILED'], [3, 'acquired']]);
  t.deepEqual(events.filter(({ kind }) => kind !== 'warning'), [
    { kind: 'held-unlisted', id: 1, message: 'the disk is full' },
  ]);
  faults.write = null;
  runner.push([persist(INTENT), acquired(4, 1)]);
  await runner.settled();
  t.deepEqual(writes.at(-1), [DROPPED, { kind: 'held', at: 0, id: 3 }, INTENT]);
  t.like(done.at(-1), { caller: 4, answer: { kind: 'acquired' } });
});

test('a convert whose record was not written is not asked for, and its lock stays listed', async (t) => {
  const { runner, done, events, faults, writes } = bench();
  const converting: ListRecord = { kind: 'converting', at: 0, id: 1, from: 'PR', to: 'EX' };
  const releasing: ListRecord = { kind: 'releasing', at: 0, id: 1, why: 'asked for', mode: 'PR' };
  const convert: Effect = {
    kind: 'lock', action: { kind: 'convert', id: 1, mode: 'EX', wait: true }, opening: 1,
  };
  faults.write = new Error('disk full');
  runner.push([persist(converting), convert, LOG]);
  runner.push([persist(releasing)]);
  await runner.settled();
  t.deepEqual(done, [LOG]);
  t.like(events.find(({ kind }) => kind === 'convert-unlisted'), { ids: [1], message: 'disk full' });
  t.false(events.some(({ kind }) => kind === 'intent-failed'));
  faults.write = null;
  runner.push([persist(DROPPED)]);
  await runner.settled();
  t.deepEqual(writes.at(-1), [releasing, DROPPED]);
});
