import type { ClusterScript } from './op.js';
import { letGo } from './rest.js';
import { ClusterWorld, type Sabotage } from './world.js';

/** What came of one script. */
export interface ClusterOutcome {
  /** What is wrong; empty when nothing is. */
  readonly violations: readonly string[];
  /** How often each operation found something to do. */
  readonly counts: ReadonlyMap<string, number>;
  readonly turns: number;
  /** How long it took on the simulation's clock, in ms. */
  readonly simulatedMs: number;
  /** The last lines of what happened. */
  readonly trace: readonly string[];
}

/** The whole life of one cluster: from its first start until everybody has let go. */
export async function runCluster(
  script: ClusterScript, sabotage: Sabotage | null = null,
): Promise<ClusterOutcome> {
  const world = new ClusterWorld(script, sabotage);
  try {
    for (const host of world.hosts) host.start();
    await world.play(script.ops);
    await letGo(world);
  } catch (thrown) {
    world.ledger.checker.fail('7 nothing throws', String(thrown));
  }
  for (const host of world.hosts) host.killDaemon();
  return {
    violations: world.violations, counts: world.counts, turns: world.turns,
    simulatedMs: world.clock.monotonic(), trace: world.trace,
  };
}
