import { existsSync } from 'node:fs';

import test from 'ava';

import { waitUntil } from '../lab/host/wait.js';
import { NetnsCluster } from '../netns/cluster.js';

const votes = async (cluster: NetnsCluster, index: number): Promise<string | undefined> => {
  const { stdout } = await cluster.node(index).attempt('corosync-quorumtool', ['-s']);
  return /^Total votes: +(\d+)$/m.exec(stdout)?.[1];
};

const until = (cluster: NetnsCluster, index: number, expected: string): Promise<true> =>
  waitUntil(async () => (await votes(cluster, index)) === expected, {
    what: `node ${index} to count ${expected} votes`,
    timeoutMs: 20_000,
    intervalMs: 50,
  });

test.serial('a cluster loses and regains a killed, a paused, a cut and a stopped node', async (t) => {
  const cluster = await NetnsCluster.up();
  try {
    await cluster.node(3).kill();
    await until(cluster, 1, '2');
    cluster.node(3).start();
    await cluster.ready();

    cluster.node(3).pause();
    await until(cluster, 1, '2');
    cluster.node(3).continue();
    await cluster.ready();

    await cluster.cut(2);
    await until(cluster, 1, '2');
    await until(cluster, 2, '1');
    await cluster.heal(2);
    await cluster.ready();

    await cluster.node(1).term();
    await until(cluster, 2, '2');
    t.is(cluster.node(1).corosyncPid, null);
  } finally {
    await cluster.down();
  }
});

test.serial('two clusters at once do not see each other', async (t) => {
  const clusters = await Promise.all([NetnsCluster.up({ size: 2 }), NetnsCluster.up({ size: 2 })]);
  try {
    t.deepEqual(await Promise.all(clusters.map((cluster) => votes(cluster, 1))), ['2', '2']);
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.down()));
  }
});

test.serial('a forked module runs in the network of its node and ends with the cluster', async (t) => {
  const cluster = await NetnsCluster.up({ size: 1 });
  let pid: number;
  try {
    const program = `
      const { networkInterfaces } = require('node:os');
      process.send(networkInterfaces().eth0.map((entry) => entry.address));
      setInterval(() => {}, 1000);`;
    const child = cluster.node(1).spawn(process.execPath, ['-e', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    pid = child.pid;
    const addresses = await new Promise((resolve) => child.process.once('message', resolve));
    t.true((addresses as string[]).includes('10.77.0.1'));
  } finally {
    await cluster.down();
  }
  t.false(existsSync(`/proc/${pid}`));
});
