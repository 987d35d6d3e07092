import { spawnSync } from 'node:child_process';
import test from 'ava';
import { NetnsCluster } from '../netns/cluster.js';

/** Tries to open both and prints what came of it. */
const PROGRAM = `
  import { openCpg } from ${url('../../src/cpg/index.js')};
  import { openQuorum } from ${url('../../src/quorum/index.js')};
  const told = ({ code, retryable, message }) => ({ code, retryable, message });
  const opened = () => ({ code: 'OPENED' });
  console.log(JSON.stringify([
    await openCpg().then(opened, told), await openQuorum().then(opened, told),
  ]));
  process.exit(0);
`;
const NODE = [process.execPath, '--input-type=module', '-e', PROGRAM];

interface Told {
  readonly code: string;
  readonly retryable?: boolean;
  readonly message?: string;
}

test('a missing library is LIBRARY_MISSING and names the Debian package', (t) => {
  // Hidden in a mount namespace of the command's own.
  const hide = [
    'for f in /usr/lib/*/libcpg.so.4 /usr/lib/*/libquorum.so.5; do',
    '  mount --bind /dev/null "$f" || exit 9; done; exec "$@"',
  ].join('\n');
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', hide, 'sh', ...NODE];
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  t.is(stderr, '');
  const [group, quorum] = JSON.parse(stdout) as [Told, Told];
  t.is(group.code, 'LIBRARY_MISSING');
  t.regex(group.message ?? '', /Debian package libcpg4/);
  t.is(quorum.code, 'LIBRARY_MISSING');
  t.regex(quorum.message ?? '', /Debian package libquorum5/);
});

test('without corosync both are refused with LIBRARY, retryable, and say what to start', async (t) => {
  const cluster = await NetnsCluster.create({ size: 1 });
  try {
    const { stdout } = await cluster.node(1).exec(NODE[0] ?? '', NODE.slice(1));
    for (const told of JSON.parse(stdout) as [Told, Told]) {
      t.is(told.code, 'LIBRARY');
      t.true(told.retryable);
      t.regex(told.message ?? '', /start corosync/);
    }
  } finally {
    await cluster.down();
  }
});

test('a user without an entry in uidgid.d is refused with ACCESS and told about it', async (t) => {
  const cluster = await NetnsCluster.up({ size: 1 });
  try {
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--', ...NODE];
    const { stdout } = await cluster.node(1).exec('setpriv', asNobody);
    for (const told of JSON.parse(stdout) as [Told, Told]) {
      t.is(told.code, 'ACCESS');
      t.false(told.retryable);
      t.regex(told.message ?? '', /uidgid\.d/);
    }
    const asRoot = await cluster.node(1).exec(NODE[0] ?? '', NODE.slice(1));
    t.deepEqual(JSON.parse(asRoot.stdout), [{ code: 'OPENED' }, { code: 'OPENED' }]);
  } finally {
    await cluster.down();
  }
});

function url(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}
