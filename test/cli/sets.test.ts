import test from 'ava';
import { aLock } from '../control/fake-service.js';
import { serve } from '../control/fixture.js';
import { cli, spawnCli } from './fixture.js';

test('acquire with several resources asks for all of them together', async (t) => {
  const { service, socketPath } = await serve(t);
  const run = await cli(socketPath, 'acquire', 'b', 'a', '--owner', 'o', '--shared', '--wait', '2');
  t.deepEqual(run.stdout.trim().split('\n').map((line) => line.replace(/, generation.*/, '')), [
    'b: acquired in mode PR for o on n1', 'a: acquired in mode PR for o on n1',
  ]);
  t.is(service.acquires.length, 0);
  t.like(service.setAcquires[0], {
    members: [{ resource: 'b', mode: 'PR' }, { resource: 'a', mode: 'PR' }], waitMs: 2_000,
  });
  service.onAcquireSet = () => Promise.resolve({
    members: [{ lock: aLock({ resource: 'b' }), acquired: false, convertedFrom: null }],
  });
  t.regex((await cli(socketPath, 'acquire', 'b', 'a', '--owner', 'o')).stdout, /^b: held already/);
});

test('run --and holds several while the command runs, and gives each back', async (t) => {
  const { service, socketPath } = await serve(t);
  const { output, closed } = spawnCli(t, socketPath,
    'run', 'a', '--and', 'b', '--and', 'c', '--', 'sh', '-c', 'echo "$HOLDFAST_RESOURCE:$HOLDFAST_RESOURCES"');
  t.is((await closed).code, 0);
  t.is(output(), 'a:a\nb\nc\n');
  t.deepEqual(service.setAcquires[0]?.members.map(({ resource }) => resource), ['a', 'b', 'c']);
  t.is(service.acquires.length, 0);
  t.deepEqual(service.releases.map(({ resource }) => resource), ['a', 'b', 'c']);
});

test('--and may stand before the resource and behind it', async (t) => {
  const { service, socketPath } = await serve(t);
  const { closed } = spawnCli(t, socketPath, 'run', '--and', 'x', 'a', '--and', 'b', 'true');
  t.is((await closed).code, 0);
  t.deepEqual(service.setAcquires[0]?.members.map(({ resource }) => resource), ['a', 'x', 'b']);
});
