import test from 'ava';
import type { CmapEvent } from '../../src/cmap/connection.js';
import { CorosyncMap } from '../../src/cmap/corosync-map.js';
import { CmapError, type CmapValue } from '../../src/cmap/index.js';
import { TRACKERS_MAX } from '../../src/cmap/limits.js';
import { FakeConnection } from './support/fake-connection.js';

const ONE: CmapValue = { type: 'int8', value: 1 };

function changeOf(tracker: number): CmapEvent {
  return { kind: 'change', tracker, change: { kind: 'added', key: 'some.key', value: ONE } };
}

test('the bits of a tracker are those of its kinds and its prefix', async (t) => {
  const connection = new FakeConnection();
  const map = new CorosyncMap(connection);
  await map.track('some.key');
  await map.track('some.', { prefix: true, kinds: ['deleted'] });
  await map.track('', { prefix: true });
  t.deepEqual(connection.calls, [
    'track some.key 7 as 1', 'track some. 9 as 2', 'track null 15 as 3',
  ]);
});

test('a change that arrives before its tracker is confirmed is emitted', async (t) => {
  const connection = new FakeConnection();
  const map = new CorosyncMap(connection);
  const heard: number[] = [];
  map.on('changed', (_change, tracker) => heard.push(tracker));
  const tracking = map.track('some.key');
  connection.arrive({ events: [changeOf(1)] });
  t.is((await tracking).id, 1);
  t.deepEqual(heard, [1]);
});

test('a tracker that is stopped is not heard of any more, and stops once', async (t) => {
  const connection = new FakeConnection();
  const map = new CorosyncMap(connection);
  map.on('changed', () => t.fail());
  const tracker = await map.track('some.key');
  const stopping = tracker.stop();
  connection.arrive({ events: [changeOf(1)] });
  await Promise.all([stopping, tracker.stop()]);
  t.deepEqual(connection.calls.slice(1), ['untrack 1']);
});

test('trackers are bounded, also those that are not confirmed yet', async (t) => {
  const connection = new FakeConnection();
  let confirm: () => void = () => undefined;
  connection.beforeTrack = new Promise((resolve) => {
    confirm = resolve;
  });
  const map = new CorosyncMap(connection);
  const asked = Array.from({ length: TRACKERS_MAX }, () => map.track('some.key'));
  await t.throwsAsync(map.track('some.key'), { instanceOf: CmapError, code: 'TOO_MANY' });
  confirm();
  const [first] = await Promise.all(asked);
  await first?.stop();
  await t.notThrowsAsync(map.track('some.key'));
});

test('the loss is told once, and nothing after it is emitted or asked', async (t) => {
  const connection = new FakeConnection();
  const map = new CorosyncMap(connection);
  const heard: string[] = [];
  map.on('changed', () => heard.push('changed'));
  map.on('lost', ({ code, status, retryable }) => heard.push(`${code} ${status} ${retryable}`));
  const tracker = await map.track('some.key');
  connection.arrive({ events: [changeOf(1)], lost: 2 });
  connection.arrive({ events: [changeOf(1)], lost: 2 });
  t.deepEqual(heard, ['changed', 'LOST 2 true']);
  const refused = { instanceOf: CmapError, code: 'LOST' };
  await t.throwsAsync(map.get('some.key'), refused);
  await t.throwsAsync(map.set('some.key', ONE), refused);
  await t.throwsAsync(map.track('some.key'), refused);
  await t.notThrowsAsync(tracker.stop());
  await t.notThrowsAsync(map.close());
  t.deepEqual(connection.calls, ['track some.key 7 as 1', 'close', 'close']);
});

test('an event that cannot be read ends the connection', (t) => {
  const connection = new FakeConnection();
  const map = new CorosyncMap(connection);
  const heard: string[] = [];
  map.on('lost', ({ code, cause }) => heard.push(`${code} ${(cause as Error).message}`));
  connection.arrive({ events: [{ kind: 'broken', cause: new Error('odd') }, changeOf(1)] });
  t.deepEqual(heard, ['LOST odd']);
});

test('a listener may close the map amid events', async (t) => {
  const connection = new FakeConnection();
  const map = new CorosyncMap(connection);
  let heard = 0;
  await map.track('some.key');
  map.on('changed', () => {
    heard += 1;
    void map.close();
  });
  connection.arrive({ events: [changeOf(1), changeOf(1)], lost: 2 });
  t.is(heard, 1);
});

test('a key that goes while its entries are read is left out', async (t) => {
  const connection = new FakeConnection({ 'some.a': ONE, 'some.b': ONE });
  const map = new CorosyncMap(connection);
  const reading = map.entries('some.');
  connection.values.delete('some.b');
  t.deepEqual(await reading, [{ key: 'some.a', value: ONE }]);
});

test('whatever is given for a key or an option, the answer is a CmapError', async (t) => {
  const connection = new FakeConnection();
  const map = new CorosyncMap(connection);
  const wrong: readonly unknown[] = [
    undefined, null, 5, 5n, true, {}, [], Symbol('key'), () => 'key', new Uint8Array(3), '', 'ab',
    'with space', 'nul\0nul', 'ä'.repeat(10), 'k'.repeat(256),
  ];
  for (const each of wrong) {
    const key = each as string;
    for (const call of [
      () => map.get(key), () => map.getAs(key, 'int8'), () => map.set(key, ONE),
      () => map.delete(key), () => map.increment(key), () => map.decrement(key),
      () => map.track(key),
    ]) await t.throwsAsync(call, { instanceOf: CmapError });
  }
  for (const keysMax of [0, -1, 0.5, Number.NaN, '5', Infinity]) {
    await t.throwsAsync(
      map.keys('', { keysMax: keysMax as number }), { instanceOf: CmapError, code: 'INVALID_PARAM' },
    );
  }
  for (const kinds of [[], ['gone'], ['__proto__'], 5, 'added']) {
    await t.throwsAsync(
      map.track('some.key', { kinds: kinds as never }),
      { instanceOf: CmapError, code: 'INVALID_PARAM' },
    );
  }
  for (const options of [null, 5, 'prefix']) {
    await t.throwsAsync(map.track('ab', options as never), { instanceOf: CmapError });
  }
  t.deepEqual(connection.calls, []);
});
