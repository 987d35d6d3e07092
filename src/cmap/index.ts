export * from './error.js';
export type * from './port.js';
export { readClusterFacts, type ClusterFacts, type ConfiguredNode } from './cluster-facts.js';
export { loadCmapLibrary } from './native.js';
export { openCmap } from './open.js';
