import anyTest, { type TestFn } from 'ava';

import { startLab, type LabOptions } from './cluster.js';
import { Scene } from './reconcile/scene.js';
import { Timeline } from './timeline.js';

/** What the tests of one boot of the lab share. */
export interface SceneContext {
  readonly scene: Scene;
  readonly timeline: Timeline;
}

/** One boot for all tests of a file, with a daemon on each node that vouches for its locks. */
export function sceneTest<Context extends SceneContext>(
  options: LabOptions, complete: (context: SceneContext) => Context | Promise<Context>,
): TestFn<Context> {
  const test = anyTest as TestFn<Context>;
  test.before(async (t) => {
    t.timeout(900_000);
    const timeline = new Timeline((line) => t.log(line));
    const lab = await startLab({ ...options, progress: (line) => timeline.mark(line) });
    const scene = new Scene(lab);
    t.context = await complete({ scene, timeline });
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
    await (t.context as Partial<Context>).scene?.lab.stop();
  });
  return test;
}
