import anyTest, { type TestFn } from 'ava';

import { startLab } from './cluster.js';
import { addResets } from './kills/resets.js';
import { addKills } from './kills/runs.js';
import { WitnessServer } from './kills/witness-server.js';
import type { LabContext } from './lab-context.js';
import { addReconcileRows } from './reconcile/rows.js';
import { Scene } from './reconcile/scene.js';
import { Timeline } from './timeline.js';

/**
 * Nothing that an owner holds is lost and nothing is leaked, whatever dies: on the real kernel. One
 * boot for all, since booting costs more than most of the tests. `--match 'row*'` or `'*kills*'`
 * runs a part.
 */
const test = anyTest as TestFn<LabContext>;

/** Starts of daemons starve an emulated processor, and whom corosync gives up for it is fenced. */
const TOKEN_MS = 15_000;

test.before(async (t) => {
  t.timeout(900_000);
  const timeline = new Timeline((line) => t.log(line));
  const lab = await startLab({
    tokenMs: TOKEN_MS, progress: (line) => timeline.mark(line),
  });
  const scene = new Scene(lab);
  const server = await WitnessServer.start((text) => timeline.mark(`VIOLATION: ${text}`));
  t.context = { scene, timeline, server };
  await lab.startCluster();
  await lab.deploy();
  await scene.start();
  timeline.mark('three daemons vouch for their locks');
});

test.afterEach.always(async (t) => {
  if (t.passed) return;
  for (const node of t.context.scene.nodes) t.log(await node.log().catch(String));
});

test.after.always(async (t) => {
  const { scene, server } = t.context as Partial<LabContext>;
  server?.close();
  await scene?.lab.stop();
});

addReconcileRows(test);
addKills(test);
addResets(test);
