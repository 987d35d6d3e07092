export { systemClock, type Clock } from '../clock.js';
export { createCluster, EmbeddedCluster } from './cluster.js';
export { createLockEngine, LockEngine, type LockEngineOptions } from './dlm/lock-engine.js';
export { EmbeddedLockManager } from './dlm/embedded-lock-manager.js';
export { EmbeddedNode } from './embedded-node.js';
export { EmbeddedProcess } from './embedded-process.js';
export { createRandom, createUuid, type Random } from './random.js';
export type { EmbeddedOwner } from './owners.js';
export {
  NODES_MAX, TIMINGS_DEFAULT, type ClusterOptions, type EmbeddedTimings, type NodeOptions,
} from './options.js';
