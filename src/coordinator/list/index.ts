export { ListError, type ListErrorCode } from './error.js';
export { openLockList, LIST_FILE, type ListOptions } from './open.js';
export type { FoundList, ListLog, LockList } from './port.js';
