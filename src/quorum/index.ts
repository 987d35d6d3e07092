export * from './error.js';
export type * from './port.js';
export { loadQuorumLibrary } from './native.js';
export { openQuorum } from './open.js';
