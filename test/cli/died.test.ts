import test from 'ava';
import { aLock, aNode } from '../control/fake-service.js';
import { serve } from '../control/fixture.js';
import { cli } from './fixture.js';

const note = "proven dead: the lockspace has recovered without it; 1 lock died with it";

test('died lists what a dead node last held', async (t) => {
  const { service, socketPath } = await serve(t);
  const last = {
    node: aNode({ id: 2, name: 'n2', state: 'recovered', note }),
    manifestVersion: 7,
    locks: [aLock({ node: { id: 2, name: 'n2' }, nodeState: 'recovered' })],
  };
  service.lastManifests = [last];
  const { exitCode, stdout } = await cli(socketPath, 'died', 'n2');
  t.is(exitCode, 0);
  t.regex(stdout, /^n2: dead; its locks are gone; proven dead: .*\nRESOURCE +MODE/);
  t.regex(stdout, /vm-17 +EX +held +qemu-17 +n2/);
  t.deepEqual(JSON.parse((await cli(socketPath, 'died', 'n2', '--json')).stdout), last);
});

test('died of a node that held nothing says so, and of an unknown node that it is unknown', async (t) => {
  const { service, socketPath } = await serve(t);
  service.lastManifests = [{ node: aNode({ name: 'n2' }), manifestVersion: 1, locks: [] }];
  t.is((await cli(socketPath, 'died', 'n2')).stdout, 'n2: runs\nIt told of no locks.\n');
  const unknown = await cli(socketPath, 'died', 'n9');
  t.not(unknown.exitCode, 0);
  t.regex(unknown.stderr, /nothing of 'n9'/);
});

test('nodes shows what is waited for with a node instead of what its state means', async (t) => {
  const { service, socketPath } = await serve(t);
  const down = 'whether it is dead is not proven, so its locks hold; a fencing agent is at work on it';
  service.nodeViews = [aNode({ id: 2, name: 'n2', state: 'node-down', note: down })];
  t.regex((await cli(socketPath, 'nodes')).stdout, /node-down .* a fencing agent is at work on it/);
});
