import test from 'ava';
import { FreshRun } from '../../src/dlm/fresh-run.js';

function setUp() {
  const runs: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const fresh = new FreshRun(() => new Promise<number>((resolve, reject) => {
    runs.push({ resolve, reject });
  }));
  return { fresh, runs };
}

test('a caller never gets an answer that was asked for before its call', async (t) => {
  const { fresh, runs } = setUp();
  const first = fresh.ask();
  const second = fresh.ask();
  t.is(runs.length, 1);
  runs[0]?.resolve(1);
  t.is(await first, 1);
  await Promise.resolve();
  runs[1]?.resolve(2);
  t.is(await second, 2);
});

test('all who ask during a run share the next one', async (t) => {
  const { fresh, runs } = setUp();
  const first = fresh.ask();
  const later = [fresh.ask(), fresh.ask(), fresh.ask()];
  runs[0]?.resolve(1);
  await first;
  await Promise.resolve();
  t.is(runs.length, 2);
  runs[1]?.resolve(2);
  t.deepEqual(await Promise.all(later), [2, 2, 2]);
  void fresh.ask();
  t.is(runs.length, 3);
});

test('a failed run fails its own callers only', async (t) => {
  const { fresh, runs } = setUp();
  const first = fresh.ask();
  const second = fresh.ask();
  runs[0]?.reject(new Error('away'));
  await t.throwsAsync(first, { message: 'away' });
  await Promise.resolve();
  runs[1]?.resolve(2);
  t.is(await second, 2);
});
