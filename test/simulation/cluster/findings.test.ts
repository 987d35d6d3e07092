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
];

for (const { story, script } of FINDINGS) {
  test(story, async (t) => {
    t.timeout(60_000);
    const { violations, trace } = await runCluster(script);
    if (violations.length > 0) t.log(trace.join('\n'));
    t.deepEqual(violations, []);
  });
}
