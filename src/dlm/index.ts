export * from './error.js';
export { openLockManager, type LockManagerOptions } from './lock-manager.js';
export type * from './port.js';
