import type { WitnessServer } from './kills/witness-server.js';
import type { Scene } from './reconcile/scene.js';
import type { Timeline } from './timeline.js';

/** What the tests of one boot of the lab share. */
export interface LabContext {
  readonly scene: Scene;
  readonly server: WitnessServer;
  readonly timeline: Timeline;
}
