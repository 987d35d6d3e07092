import { connect } from 'node:net';
import test from 'ava';

import { waitUntil } from '../host/wait.js';
import { Recorder } from './recorder.js';

test('two lives of one stand-in that overlap are told, one after the other is not', async (t) => {
  const recorder = await Recorder.start();
  t.teardown(() => recorder.close());
  for (const [line, atMs] of [
    ['vm n1 a', 0], ['vm n1 a', 200], ['vm n2 b', 300], ['other n1 c', 350], ['vm n2 b', 500],
  ] as const) recorder.hear(line, atMs);
  t.deepEqual(recorder.overlaps, []);
  t.is(recorder.latest('vm')?.node, 'n2');
  recorder.hear('vm n1 a', 400);
  t.deepEqual(recorder.overlaps, ['vm ran on n1 until 400 ms and on n2 from 300 ms on']);
});

test('what stand-ins say by network is heard, and half a line is not', async (t) => {
  const recorder = await Recorder.start();
  t.teardown(() => recorder.close());
  const socket = connect(recorder.port, '127.0.0.1');
  socket.write('vm n3 x\nvm n3');
  await waitUntil(() => recorder.latest('vm')?.node === 'n3',
    { what: 'the beat to be heard', timeoutMs: 10_000 });
  socket.destroy();
  t.is(recorder.lives.length, 1);
});
