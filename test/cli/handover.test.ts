import test from 'ava';
import { aLock } from '../control/fake-service.js';
import { serve } from '../control/fixture.js';
import { cli } from './fixture.js';

const handover = {
  role: 'source', step: 'joined', node: { id: 2, name: 'n2' }, since: '2030-01-01T00:00:00.000Z',
} as const;

test('handover open names the other node, and how long the offer stands', async (t) => {
  const { service, socketPath } = await serve(t);
  service.onHandover = () =>
    Promise.resolve({ at: 'offered', lock: aLock({ mode: 'CW', handover }) });
  const run = await cli(socketPath,
    'handover', 'open', 'vm', '--owner', 'o', '--to', 'n2', '--offer', '90');
  t.is(run.stdout, 'vm: offered to n2; nobody else can have it meanwhile\n');
  t.is(run.exitCode, 0);
  t.like(service.handovers[0], {
    action: 'open', to: 'n2', waitMs: 90_000, owner: { kind: 'named', name: 'o' },
  });
  const missing = await cli(socketPath, 'handover', 'open', 'vm', '--owner', 'o');
  t.is(missing.exitCode, 2);
  t.regex(missing.stderr, /--to/);
});

test('handover join, finish and abort say how far it is', async (t) => {
  const { service, socketPath } = await serve(t);
  const run = async (...argv: readonly string[]) =>
    (await cli(socketPath, 'handover', ...argv, 'vm', '--owner', 'o')).stdout;
  service.onHandover = () => Promise.resolve({ at: 'joined', lock: aLock({ handover }) });
  t.is(await run('join'), 'vm: held here and on n2; nobody else can have it\n');
  service.onHandover = () => Promise.resolve({ at: 'released', lock: null });
  t.is(await run('finish', '--wait', '2'), 'vm: not held here any more\n');
  service.onHandover = () => Promise.resolve({ at: 'exclusive', lock: aLock({ generation: 9 }) });
  t.is(await run('abort'), 'vm: held here alone, generation 9\n');
  t.deepEqual(service.handovers.map(({ action, waitMs }) => [action, waitMs]), [
    ['join', 30_000], ['finish', 2_000], ['abort', 30_000],
  ]);
});

test('locks shows that a lock is being handed over', async (t) => {
  const { service, socketPath } = await serve(t);
  service.lockViews = [aLock({ mode: 'CW', handover })];
  t.regex((await cli(socketPath, 'locks')).stdout, /being handed over to n2/);
});
