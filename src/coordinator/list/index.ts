export { checkList, type ListCheck } from './check.js';
export { ListError, type ListErrorCode } from './error.js';
export {
  GENERATIONS_BLOCK, type FoundGenerations, type GenerationBlock,
} from './generations.js';
export { openLockList, LIST_FILE, type ListOptions } from './open.js';
export type { FoundList, ListLog, LockList } from './port.js';
export { repairList, type ListRepair } from './repair.js';
