import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';

import { withLock } from './lock.js';

test('two that want the lock have it one after the other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const seen: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    seen.push(`${name} in`);
    await delay(50);
    seen.push(`${name} out`);
  };
  const path = join(folder, 'lock');
  await Promise.all([withLock(path, work('a')), withLock(path, work('b'))]);
  const [first, second] = seen[0] === 'a in' ? ['a', 'b'] : ['b', 'a'];
  t.deepEqual(seen, [`${first} in`, `${first} out`, `${second} in`, `${second} out`]);
});

test('a failure inside gives the lock back', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'lock');
  await t.throwsAsync(withLock(path, () => Promise.reject(new Error('no space'))), {
    message: 'no space',
  });
  t.is(await withLock(path, () => Promise.resolve(7)), 7);
});
