import test from 'ava';
import { CoordinatorError } from '../../src/coordinator/error.js';
import { anOrphan } from './fake-service.js';
import { ask, serve } from './fixture.js';

const WISH = { resource: 'disk', mode: 'EX', reason: 'ticket 17' } as const;

test('orphans are told as the coordinator tells them', async (t) => {
  const { client, service } = await serve(t);
  service.orphanViews = [anOrphan()];
  t.deepEqual(await client.orphans(), [anOrphan()]);
});

test('the release of an orphan passes on reason, asker and dry run', async (t) => {
  const { client, service } = await serve(t);
  const dry = await client.releaseOrphan({ ...WISH, by: 'alice', dryRun: true });
  t.deepEqual(dry, {
    released: false, pending: false, dryRun: true, orphan: anOrphan(), others: 0,
  });
  t.like(await client.releaseOrphan({ ...WISH, by: null, dryRun: false }), { released: true });
  t.deepEqual(service.orphanReleases.map(({ by, dryRun }) => ({ by, dryRun })), [
    { by: 'alice', dryRun: true }, { by: null, dryRun: false },
  ]);
  service.onReleaseOrphan = () => Promise.reject(new CoordinatorError('NOT_HELD', 'no such'));
  await t.throwsAsync(client.releaseOrphan({ ...WISH, by: null, dryRun: false }), { code: 'NOT_HELD' });
});

for (const [what, change, path] of [
  ['no reason', { reason: undefined }, 'reason'],
  ['an empty reason', { reason: '' }, 'reason'],
  ['a reason of 257 bytes', { reason: 'x'.repeat(257) }, 'reason'],
  ['a reason of two lines', { reason: 'a\nb' }, 'reason'],
  ['no mode', { mode: undefined }, 'mode'],
  ['an asker of two lines', { by: 'a\nb' }, 'by'],
  ['a misspelt dry run', { dryrun: true }, ''],
] as const) {
  test(`the release of an orphan is refused before anybody sees it: ${what}`, async (t) => {
    const { socketPath, service } = await serve(t);
    const body = JSON.stringify({ ...WISH, ...change });
    const answer = await ask(socketPath, 'POST', '/v1/release-orphan', body);
    t.is(answer.status, 400);
    t.like(answer.body, { error: { code: 'BAD_REQUEST', problems: [{ path }] } });
    t.is(service.orphanReleases.length, 0);
  });
}
