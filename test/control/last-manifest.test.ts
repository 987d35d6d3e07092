import test from 'ava';
import { aLock, aNode } from './fake-service.js';
import { ask, serve } from './fixture.js';

const LAST = {
  node: aNode({ id: 2, name: 'n2', state: 'recovered', note: 'proven dead' }),
  manifestVersion: 7,
  locks: [aLock({ node: { id: 2, name: 'n2' }, nodeState: 'recovered' })],
} as const;

test('what a node last told is told as the coordinator tells it', async (t) => {
  const { client, service } = await serve(t);
  service.lastManifests = [LAST];
  t.deepEqual(await client.lastManifest('n2'), LAST);
});

test('a node that was never heard of is not found', async (t) => {
  const { client } = await serve(t);
  await t.throwsAsync(client.lastManifest('n9'), { code: 'NOT_HELD' });
});

test('the question must name a node, and nothing else', async (t) => {
  const { socketPath } = await serve(t);
  for (const path of ['/v1/last-manifest', '/v1/last-manifest?node=', '/v1/last-manifest?node=a&b=c']) {
    t.is((await ask(socketPath, 'GET', path, null, {})).status, 400, path);
  }
});
