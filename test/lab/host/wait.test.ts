import test from 'ava';

import { LabError } from './error.js';
import { waitUntil } from './wait.js';

test('a wait gives what the predicate gave at last', async (t) => {
  let asked = 0;
  const answer = await waitUntil(() => (++asked < 3 ? null : asked), {
    what: 'three', timeoutMs: 5_000, intervalMs: 1,
  });
  t.is(answer, 3);
});

test('a wait in vain says for what, why the last attempt failed, and what is known', async (t) => {
  const error = await t.throwsAsync(waitUntil(() => Promise.reject(new Error('too cold')), {
    what: 'spring', timeoutMs: 20, intervalMs: 5, explain: () => 'it is January',
  }), { instanceOf: LabError, code: 'TIMEOUT' });
  t.regex(error.message, /spring.*too cold\nit is January/s);
});

test('a wait ends at once when what is waited for can never come', async (t) => {
  let asked = 0;
  await t.throwsAsync(waitUntil(() => {
    asked++;
    throw new LabError('GONE', 'it has ended');
  }, { what: 'anything', timeoutMs: 60_000 }), { code: 'GONE' });
  t.is(asked, 1);
});
