import test, { type ExecutionContext } from 'ava';
import { World, type WorldOptions } from './world.js';

interface Options extends WorldOptions {
  /** Start no coordinator. */
  readonly bare?: boolean;
}

type Body = (t: ExecutionContext, world: World) => Promise<void>;

/**
 * A test with a cluster whose coordinators run and know each other. However it goes, at its end
 * nobody may hold what another live node holds, and nobody may vouch for what is not in its
 * kernel.
 */
export function scenario(title: string, body: Body, options: Options = {}): void {
  test(title, (t) => play(t, body, options));
}

async function play(t: ExecutionContext, body: Body, options: Options): Promise<void> {
  const { bare = false, ...rest } = options;
  const world = new World(rest);
  t.teardown(() => world.end());
  if (!bare) await world.startAll();
  await body(t, world);
  t.deepEqual(world.violations(), []);
  for (const node of world.nodes) t.is(node.failure, null);
}
