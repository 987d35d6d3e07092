import test from 'ava';
import { CoordinatorError } from '../../src/coordinator/error.js';
import { SET_MEMBERS_MAX } from '../../src/coordinator/core/limits.js';
import { SET_BODY_BYTES_MAX, SET_MEMBERS_MAX as OF_API } from '../../src/control/limits.js';
import { waitForAbort, aLock } from './fake-service.js';
import { ask, serve, until } from './fixture.js';

const owner = { kind: 'named', name: 'o' } as const;
const member = (resource: string) => ({ resource, mode: 'EX' as const });

test('a set goes to the coordinator as it was asked for, and its answer comes back', async (t) => {
  const { client, service } = await serve(t);
  const members = [{ resource: 'b', mode: 'PR' as const }, member('a')];
  const result = await client.acquireSet({ members, owner, waitMs: 50 });
  t.like(service.setAcquires[0], { members, owner, waitMs: 50 });
  t.deepEqual(result.members.map(({ lock }) => lock.resource), ['b', 'a']);
  service.onAcquireSet = () => Promise.reject(new CoordinatorError('HELD', 'no', {
    retryable: true, holders: [aLock()],
  }));
  await t.throwsAsync(client.acquireSet({ members, owner, waitMs: 0 }), { code: 'HELD' });
});

test('the mode of a member is exclusive unless said otherwise', async (t) => {
  const { socketPath, service } = await serve(t);
  const body = JSON.stringify({ members: [{ resource: 'a' }, { resource: 'b' }], owner });
  t.is((await ask(socketPath, 'POST', '/v1/acquire-set', body)).status, 200);
  t.deepEqual(service.setAcquires[0]?.members, [member('a'), member('b')]);
  t.is(service.setAcquires[0]?.waitMs, 0);
});

test('the largest set of the longest names is taken', async (t) => {
  t.is(OF_API, SET_MEMBERS_MAX);
  const { client, service } = await serve(t);
  const members = Array.from({ length: SET_MEMBERS_MAX }, (_, at) => {
    return member(String(at).padStart(1024, '"'));
  });
  await client.acquireSet({ members, owner, waitMs: 0 });
  t.is(service.setAcquires[0]?.members.length, SET_MEMBERS_MAX);
});

for (const [what, members, path] of [
  ['one resource', [member('a')], 'members'],
  ['65 resources', Array.from({ length: 65 }, (_, at) => member(`r${at}`)), 'members'],
  ['an empty name', [member('a'), member('')], 'members.1.resource'],
  ['an unknown mode', [member('a'), { resource: 'b', mode: 'XX' }], 'members.1.mode'],
] as const) {
  test(`a set is refused before anybody sees it: ${what}`, async (t) => {
    const { socketPath, service } = await serve(t);
    const answer = await ask(socketPath, 'POST', '/v1/acquire-set', JSON.stringify({ members, owner }));
    t.is(answer.status, 400);
    t.like(answer.body, { error: { code: 'BAD_REQUEST', problems: [{ path }] } });
    t.is(service.setAcquires.length, 0);
  });
}

test('a body beyond what the largest set needs is refused', async (t) => {
  const { socketPath } = await serve(t);
  const body = JSON.stringify({ members: 'x'.repeat(SET_BODY_BYTES_MAX) });
  t.is((await ask(socketPath, 'POST', '/v1/acquire-set', body)).status, 413);
});

test('hanging up takes the set back', async (t) => {
  const { client, service } = await serve(t);
  let aborted = false;
  service.onAcquireSet = (request) => {
    request.signal.addEventListener('abort', () => (aborted = true));
    return waitForAbort({ ...request, resource: '', mode: 'EX' });
  };
  const cancel = new AbortController();
  const asked = client.acquireSet({
    members: [member('a'), member('b')], owner, waitMs: null, signal: cancel.signal,
  });
  await until(() => service.setAcquires.length === 1);
  cancel.abort();
  await t.throwsAsync(asked, { code: 'CANCELED' });
  await until(() => aborted);
});
