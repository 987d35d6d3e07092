import test from 'ava';
import { Lane, LANE_WAITING_MAX } from '../../src/native/lane.js';

test('calls run one after the other, in order, whatever becomes of them', async (t) => {
  const lane = new Lane();
  const log: string[] = [];
  const slow = lane.run(async () => {
    log.push('slow begins');
    await new Promise((resolve) => setImmediate(resolve));
    log.push('slow ends');
    return 1;
  });
  const failing = lane.run(() => {
    log.push('fails');
    throw new Error('no');
  });
  const last = lane.run(() => log.push('last'));
  await t.throwsAsync(failing, { message: 'no' });
  t.is(await slow, 1);
  await last;
  t.deepEqual(log, ['slow begins', 'slow ends', 'fails', 'last']);
});

test('a lane is full at its bound and has room again when calls have settled', async (t) => {
  const lane = new Lane();
  const calls = Array.from({ length: LANE_WAITING_MAX }, () => lane.run(() => undefined));
  t.true(lane.full);
  await Promise.all(calls);
  t.false(lane.full);
});
