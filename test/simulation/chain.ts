import { checkAtRest, letAllGo } from './at-rest.js';
import { Boundaries, type CrashPlan } from './boundaries.js';
import type { Script } from './script.js';
import { World } from './world.js';

/** What came of one run of a script. */
export interface Outcome {
  /** The boundaries that it passed, and its planned crash if that happened. */
  readonly boundaries: Boundaries;
  /** What is wrong; empty when nothing is. */
  readonly violations: readonly string[];
}

/**
 * Runs a script again and again, each time with another crash, in one world: after each run all
 * owners let go, and the next one begins where that left the nodes. Starting anew for each would
 * take most of the time.
 */
export class Chain {
  readonly #script: Script;
  readonly #world: World;
  #isReady = false;

  constructor(script: Script) {
    this.#script = script;
    this.#world = new World(script.daemons);
  }

  /** One more run. After one with violations the chain is of no more use. */
  async run(plan: CrashPlan | null, isTraced = false): Promise<Outcome> {
    const world = this.#world;
    const boundaries = new Boundaries(plan, isTraced);
    if (!this.#isReady) await world.settle();
    this.#isReady = true;
    world.begin(this.#script, boundaries);
    try {
      boundaries.isOn = true;
      await world.play(this.#script.ops);
      // What the last operation began counts, too.
      if (!boundaries.hasStruck) await world.drain();
      boundaries.isOn = false;
      await world.settle();
      checkAtRest(world);
      await letAllGo(world);
    } catch (thrown) {
      world.checker.fail('7 nothing throws', String(thrown));
    }
    return { boundaries, violations: world.checker.violations };
  }
}
