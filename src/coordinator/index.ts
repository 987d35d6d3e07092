export { Coordinator } from './coordinator.js';
export { CoordinatorError, type CoordinatorErrorCode } from './error.js';
export { openLockList, ListError, type FoundList, type LockList } from './list/index.js';
export type { CoordinatorModules, CoordinatorOptions, Log } from './modules.js';
export type * from './service.js';
