import type { WitnessServer } from './kills/witness-server.js';
import type { SceneContext } from './scene-test.js';

/** What the tests of one boot share where a witness judges. */
export interface LabContext extends SceneContext {
  readonly server: WitnessServer;
}
