import type { KernelResource, ResourceLock } from '../../dlm/index.js';
import { grantedMode, requestedMode, type EngineLock } from './lock.js';
import type { LockTable } from './lock-table.js';

/**
 * The resources as one node's kernel lists them: all locks of those that it is master of, and of
 * the others its own.
 */
export function listResources(table: LockTable, nodeId: number): readonly KernelResource[] {
  const resources: KernelResource[] = [];
  for (const name of table.resourceNames) {
    const resource = table.resource(name);
    if (resource === null) continue;
    const isMaster = resource.masterNodeId === nodeId;
    const list = (locks: readonly EngineLock[]): ResourceLock[] => locks
      .filter((lock) => isMaster || lock.nodeId === nodeId)
      .map((lock) => toResourceLock(lock, nodeId));
    const { granted, converting, waiting } = resource.queues;
    const own = {
      granted: list(granted), converting: list(converting), waiting: list(waiting),
    };
    const known = isMaster || own.granted.length + own.converting.length + own.waiting.length > 0;
    if (!known) continue;
    const { bytes, invalid } = resource.value;
    resources.push({
      name,
      masterNodeId: isMaster ? null : resource.masterNodeId,
      value: isMaster && bytes !== null ? { bytes: Uint8Array.from(bytes), valid: !invalid } : null,
      ...own,
    });
  }
  return resources;
}

function toResourceLock(lock: EngineLock, nodeId: number): ResourceLock {
  return {
    lkid: lock.lkid,
    nodeId: lock.nodeId === nodeId ? null : lock.nodeId,
    ownerPid: lock.owner.pid,
    granted: grantedMode(lock),
    requested: requestedMode(lock),
  };
}
