import test from 'ava';
import { CoordinatorError } from '../../src/coordinator/error.js';
import { aLock, anOrphan, aStatus } from '../control/fake-service.js';
import { serve } from '../control/fixture.js';
import { cli } from './fixture.js';

const RELEASE = ['release-orphan', 'disk', '--mode', 'EX', '--reason', 'ticket 17'] as const;

test('orphans says what each is, what it blocks, who waits, and what to do', async (t) => {
  const { service, socketPath } = await serve(t);
  t.regex((await cli(socketPath, 'orphans')).stdout, /^There is no lock that no list explains/);
  service.orphanViews = [{
    ...anOrphan(), waiting: [aLock({ state: 'waiting', node: { id: 2, name: 'n2' } })],
  }];
  const { exitCode, stdout } = await cli(socketPath, 'orphans');
  t.is(exitCode, 0);
  t.is(stdout.split('\n').slice(0, 7).join('\n'), [
    'lock name  disk',
    'mode       EX',
    'node       n1',
    'state      in quarantine',
    'since      3 minutes ago (2026-01-02 03:04:05Z)',
    'blocks     CR, CW, PR, PW, EX on every node',
    'waiting    qemu-17 on n2',
  ].join('\n'));
  t.regex(stdout, /holdfast release-orphan NAME --mode MODE --reason TEXT/);
  t.deepEqual(JSON.parse((await cli(socketPath, 'orphans', '--json')).stdout), {
    orphans: service.orphanViews,
  });
});

test('release-orphan changes nothing without --yes, and says what it would do', async (t) => {
  const { service, socketPath } = await serve(t);
  const { exitCode, stdout } = await cli(socketPath, ...RELEASE);
  t.is(exitCode, 0);
  t.regex(stdout, /^lock name {2}disk\n/);
  t.regex(stdout, /disk: would be released\. Nothing was done: .*--yes\n$/);
  t.like(service.orphanReleases[0], { resource: 'disk', mode: 'EX', reason: 'ticket 17', dryRun: true });
});

test('release-orphan --yes releases, and says how far it came', async (t) => {
  const { service, socketPath } = await serve(t);
  t.like(await cli(socketPath, ...RELEASE, '--yes'), { exitCode: 0, stdout: 'disk: released\n' });
  t.like(service.orphanReleases[0], { dryRun: false });
  t.true((service.orphanReleases[0]?.by ?? '').length > 0);
  const answer = { dryRun: false, released: true, orphan: anOrphan(), others: 0 };
  service.onReleaseOrphan = () => Promise.resolve({ ...answer, pending: true });
  t.regex((await cli(socketPath, ...RELEASE, '--yes')).stdout, /when the lockspace runs again/);
  service.onReleaseOrphan = () => Promise.resolve({ ...answer, pending: false, others: 2 });
  t.regex((await cli(socketPath, ...RELEASE, '--yes')).stdout, /2 more of this name and mode are still/);
});

test('release-orphan says how many it expects, and which number guards a repetition', async (t) => {
  const { service, socketPath } = await serve(t);
  const answer = { dryRun: true, released: false, pending: false, orphan: anOrphan(), others: 1 };
  service.onReleaseOrphan = () => Promise.resolve(answer);
  t.regex((await cli(socketPath, ...RELEASE)).stdout, /repeat the command with --expect 2 --yes/);
  t.is(service.orphanReleases[0]?.expect, null);
  await cli(socketPath, ...RELEASE, '--expect', '2', '--yes');
  t.is(service.orphanReleases[1]?.expect, 2);
  for (const wrong of ['0', '-1', 'two']) {
    t.is((await cli(socketPath, ...RELEASE, '--expect', wrong)).exitCode, 2, wrong);
  }
});

test('release-orphan needs a mode and a reason, and tells a refusal', async (t) => {
  const { service, socketPath } = await serve(t);
  t.is((await cli(socketPath, 'release-orphan', 'disk', '--mode', 'EX')).exitCode, 2);
  t.is((await cli(socketPath, 'release-orphan', 'disk', '--reason', 'x')).exitCode, 2);
  t.is(service.orphanReleases.length, 0);
  service.onReleaseOrphan = () => Promise.reject(new CoordinatorError('NOT_HELD', 'no such orphan'));
  t.like(await cli(socketPath, ...RELEASE), { exitCode: 6, stderr: 'holdfast: no such orphan\n' });
});

test('status counts what is in quarantine', async (t) => {
  const { service, socketPath } = await serve(t);
  service.statusView = aStatus({ locks: { held: 1, waiting: 0, other: 2, quarantined: 2 } });
  t.regex((await cli(socketPath, 'status')).stdout, /1 held, 0 waiting, 2 other \(2 of them in quarantine\)/);
});
