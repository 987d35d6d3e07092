import { addResets } from './kills/resets.js';
import { addKills } from './kills/runs.js';
import { WitnessServer } from './kills/witness-server.js';
import type { LabContext } from './lab-context.js';
import { addReconcileRows } from './reconcile/rows.js';
import { sceneTest } from './scene-test.js';

/** Starts of daemons starve an emulated processor, and whom corosync gives up for it is fenced. */
const TOKEN_MS = 15_000;

/**
 * Nothing that an owner holds is lost and nothing is leaked, whatever dies: on the real kernel. One
 * boot for all, since booting costs more than most of the tests. `--match 'row*'` or `'*kills*'`
 * runs a part.
 */
const test = sceneTest<LabContext>({ tokenMs: TOKEN_MS }, async ({ scene, timeline }) => {
  const server = await WitnessServer.start((text) => timeline.mark(`VIOLATION: ${text}`));
  return { scene, timeline, server };
});

test.after.always((t) => {
  (t.context as Partial<LabContext>).server?.close();
});

addReconcileRows(test);
addKills(test);
addResets(test);
