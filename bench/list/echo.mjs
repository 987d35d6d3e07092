// The HTTP server of the control API with nothing behind it: answers of the same size, at once.
// `node bench/list/echo.mjs DIRECTORY`, which gets `echo.sock`.
import { join } from 'node:path';

import { fastify } from 'fastify';

import { owner } from './node.mjs';

const [directory] = process.argv.slice(2);
const app = fastify({ logger: false });
app.post('/v1/acquire', async ({ body }) => ({
  acquired: true,
  lock: {
    resource: body.resource, lockspace: 'bench', mode: 'PR', state: 'held', owner,
    node: { id: 1, name: 'n1' }, nodeState: 'synced', generation: null,
    since: '2026-01-01T00:00:00.000Z', note: null,
  },
}));
app.post('/v1/release', async () => ({ released: true, pending: false }));
await app.listen({ path: join(directory, 'echo.sock') });
console.log('{"ready":true}');
