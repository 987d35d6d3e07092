import test from 'ava';
import { op, type ClusterScript } from './op.js';
import { runCluster } from './run.js';

interface Finding {
  readonly story: string;
  readonly script: ClusterScript;
}

/** What the simulation of clusters once found in the coordinator: its script, shortened. */
const FINDINGS: readonly Finding[] = [
  {
    // With a write that hung, news of nodes were told out of turn: first that n2 was back, and then
    // what had happened before, so that who listened went on taking it for dead.
    story: 'news of nodes come in their order, whatever the disk does',
    script: {
      seed: 978, nodes: 2, disorder: 0.1, isApart: true, fencingMs: 200, recoveryMs: 50,
      jitterMs: 3, loneEchoRate: 0,
      ops: [
        op('acquire', { owner: 'p-2', mode: 'PW', waitMs: 5_000, thenMs: 100 }),
        op('stop-daemon', { node: 2, amount: 0.08, thenMs: 10 }),
        op('acquire', { owner: 'p-1', resource: 'image', thenMs: 100 }),
        op('slow-disk', { amount: 0.731, thenMs: 100 }),
        op('cut-one-way', { amount: 0.7372 }),
        op('migrate', { resource: 'mount', waitMs: 5_000, amount: 0.3937 }),
        op('acquire', { node: 2, resource: 'mount', waitMs: 5_000, thenMs: 2_000 }),
      ],
    },
  },
  {
    // The disk was full when `held` was to be written, and the owner was told all the same. The
    // daemon died before the disk recovered: its successor had only the intent, kept the lock, and
    // gave it back when somebody else had joined in and gone.
    story: 'nobody is told of a grant that the list cannot take',
    script: {
      seed: 951504634, nodes: 3, disorder: 0.3, isApart: true, fencingMs: 2_000, recoveryMs: 0,
      jitterMs: 40, loneEchoRate: 0.5,
      ops: [
        op('migrate', {
          node: 2, owner: 'p-2', resource: 'image', waitMs: 500, amount: 0.7134700869210064,
          thenMs: 2_000,
        }),
        op('acquire', {
          node: 2, owner: 'vm-b', resource: 'image', waitMs: null, amount: 0.42748305504210293,
          thenMs: 0,
        }),
        op('fail-disk', {
          node: 2, owner: 'vm-a', resource: 'image', waitMs: 500, amount: 0.8111878000199795,
          thenMs: 2_000,
        }),
        op('kill-daemon', { node: 2, owner: 'vm-a', amount: 0.6182972630485892, thenMs: 2_000 }),
        op('acquire', {
          node: 2, owner: 'vm-b', resource: 'image', mode: 'PW', waitMs: 30_000,
          amount: 0.541967440629378, thenMs: 2_000,
        }),
      ],
    },
  },
];

for (const { story, script } of FINDINGS) {
  test(story, async (t) => {
    t.timeout(60_000);
    const { violations, trace } = await runCluster(script);
    if (violations.length > 0) t.log(trace.join('\n'));
    t.deepEqual(violations, []);
  });
}
