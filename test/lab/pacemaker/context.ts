import anyTest, { type ExecutionContext, type TestFn } from 'ava';

import { Timeline } from '../timeline.js';
import { PacemakerScene } from './scene.js';

export interface PacemakerContext {
  readonly scene: PacemakerScene;
  readonly timeline: Timeline;
}

export type PacemakerTest = TestFn<PacemakerContext>;
export type T = ExecutionContext<PacemakerContext>;

/** A case, and at its end what holds at the end of each: the stand-in never ran twice. */
export function addCase(
  test: PacemakerTest, title: string, play: (t: T) => Promise<void>,
): void {
  test.serial(title, async (t) => {
    t.timeout(1_800_000);
    const { scene, timeline } = t.context;
    await scene.makeWhole();
    const startedMs = performance.now();
    timeline.mark(`---- ${title}`);
    await play(t);
    t.deepEqual(scene.recorder.overlaps, [], 'the stand-in never runs twice');
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
    timeline.mark(`${title}: ${seconds} s`);
  });
}

/** One boot for all cases of a file. */
export function pacemakerTest(): PacemakerTest {
  const test = anyTest as PacemakerTest;
  test.before(async (t) => {
    t.timeout(1_800_000);
    const timeline = new Timeline((line) => t.log(line));
    await PacemakerScene.start(timeline, (scene) => {
      t.context = { scene, timeline };
    });
  });
  test.afterEach.always(async (t) => {
    if (!t.passed) t.log(await t.context.scene.log());
  });
  test.after.always(async (t) => {
    await (t.context as Partial<PacemakerContext>).scene?.stop();
  });
  return test;
}
