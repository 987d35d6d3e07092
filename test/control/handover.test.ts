import test from 'ava';
import { CoordinatorError } from '../../src/coordinator/error.js';
import * as core from '../../src/coordinator/core/limits.js';
import * as limits from '../../src/control/limits.js';
import { aLock } from './fake-service.js';
import { ask, serve } from './fixture.js';

const owner = { kind: 'named', name: 'o' } as const;

test('each step goes to the coordinator as it was asked for, and its answer comes back', async (t) => {
  const { client, service } = await serve(t);
  const handover = {
    role: 'source', step: 'offered', node: { id: 2, name: 'n2' }, since: '2030-01-01T00:00:00.000Z',
  } as const;
  const lock = aLock({ mode: 'CW', handover });
  service.onHandover = () => Promise.resolve({ at: 'offered', lock });
  const opened = await client.openHandover({ resource: 'vm', owner, to: 'n2', offerMs: 5_000 });
  t.deepEqual(opened, { at: 'offered', lock });
  t.like(service.handovers[0], { action: 'open', resource: 'vm', owner, to: 'n2', waitMs: 5_000 });
  service.onHandover = () => Promise.resolve({ at: 'released', lock: null });
  for (const step of ['join', 'finish', 'abort'] as const) {
    const answer = await client.stepHandover(step, { resource: 'vm', owner, waitMs: null });
    t.deepEqual(answer, { at: 'released', lock: null });
    t.like(service.handovers.at(-1), { action: step, to: null, waitMs: null });
  }
  service.onHandover = () => Promise.reject(new CoordinatorError('NOT_JOINED', 'not yet', {
    retryable: true,
  }));
  await t.throwsAsync(client.stepHandover('finish', { resource: 'vm', owner, waitMs: 0 }), {
    code: 'NOT_JOINED', message: 'not yet',
  });
});

test('what is not said of an offer and of a wait has a bound', async (t) => {
  const { socketPath, service } = await serve(t);
  const post = (step: string, more: object) =>
    ask(socketPath, 'POST', `/v1/handover/${step}`, JSON.stringify({ resource: 'vm', owner, ...more }));
  t.is((await post('open', { to: '2' })).status, 200);
  t.is(service.handovers[0]?.waitMs, core.OFFER_MS);
  t.is((await post('join', {})).status, 200);
  t.is(service.handovers[1]?.waitMs, limits.HANDOVER_WAIT_MS);
  t.is((await post('open', {})).status, 400, 'the other node is never guessed');
  t.is((await post('open', { to: 'n2', offerMs: core.OFFER_MS_MAX + 1 })).status, 400);
  t.deepEqual([limits.OFFER_MS, limits.OFFER_MS_MAX], [core.OFFER_MS, core.OFFER_MS_MAX]);
});
