import test from 'ava';
import { getEventListeners } from 'node:events';

import { Callers, CALLERS_MAX } from '../../src/coordinator/callers.js';
import type { Answer } from '../../src/coordinator/core/effect.js';

const DONE: Answer = { kind: 'released', released: true, pending: false };
const nothing = (): void => undefined;

test('each caller gets the answer to its own number, and only the first', async (t) => {
  const callers = new Callers();
  const { signal } = new AbortController();
  const numbers: number[] = [];
  const begin = (caller: number): void => void numbers.push(caller);
  const one = callers.ask(signal, begin, nothing);
  const two = callers.ask(signal, begin, nothing);
  const [first = 0, second = 0] = numbers;
  callers.answer(second, { kind: 'stopped', kept: 0 });
  callers.answer(first, DONE);
  callers.answer(first, { kind: 'stopped', kept: 9 });
  t.deepEqual(await one, DONE);
  t.deepEqual(await two, { kind: 'stopped', kept: 0 });
});

test('a caller that goes away is told off and the core is told', async (t) => {
  const callers = new Callers();
  const ending = new AbortController();
  const gone: number[] = [];
  const asked = callers.ask(ending.signal, nothing, (caller) => gone.push(caller));
  ending.abort();
  await t.throwsAsync(asked, { code: 'CANCELED' });
  t.is(gone.length, 1);
});

test('a caller that is gone before it begins is told of as well', async (t) => {
  const gone: number[] = [];
  const asked = new Callers().ask(AbortSignal.abort(), nothing, (caller) => gone.push(caller));
  await t.throwsAsync(asked, { code: 'CANCELED' });
  t.is(gone.length, 1);
});

test('an answer leaves nothing behind on a signal that lives on', async (t) => {
  const callers = new Callers();
  const { signal } = new AbortController();
  await callers.ask(signal, (caller) => callers.answer(caller, DONE), nothing);
  let late = 0;
  const asked = callers.ask(signal, (caller) => (late = caller), nothing);
  callers.answer(late, DONE);
  await asked;
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('callers are bounded, and all are answered at the end', async (t) => {
  const callers = new Callers();
  const { signal } = new AbortController();
  const asked: Promise<Answer>[] = [];
  // Each on a signal of its own: node warns of many listeners on one.
  for (let at = 0; at < CALLERS_MAX; at += 1) {
    asked.push(callers.ask(new AbortController().signal, nothing, nothing));
  }
  await t.throwsAsync(callers.ask(signal, nothing, nothing), { code: 'LIMIT' });
  callers.answerAll(DONE);
  t.is((await Promise.all(asked)).length, CALLERS_MAX);
});
