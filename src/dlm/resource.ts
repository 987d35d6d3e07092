import type { LockMode, LockValue } from './request.js';

/** One lock on a resource, as the kernel lists it. */
export interface ResourceLock {
  /** This node's number for it. Reused at once: no identity. */
  readonly lkid: number;
  /** Whose it is; null for this node's own. */
  readonly nodeId: number | null;
  /** The thread that asked, on its node; 0 when unknown. */
  readonly ownerPid: number;
  /** What it holds; null while it waits for its first grant. */
  readonly granted: LockMode | null;
  /** What it waits for; null when for nothing. */
  readonly requested: LockMode | null;
}

/**
 * A resource that this node knows. Only its master knows everyone: elsewhere the queues hold this
 * node's own locks, in the order in which they were asked for.
 */
export interface KernelResource {
  /** Bytes that are no UTF-8 are shown as \xNN. */
  readonly name: string;
  /** The node that decides about it; null when this node does, -1 while it is being looked up. */
  readonly masterNodeId: number | null;
  /** Its lock value block as far as this node knows it; null when there is none. */
  readonly value: LockValue | null;
  readonly granted: readonly ResourceLock[];
  /** Holders that wait for another mode, in the order of service; served before `waiting`. */
  readonly converting: readonly ResourceLock[];
  /** In the order of service. */
  readonly waiting: readonly ResourceLock[];
}

/** A message to another node that is not answered yet. */
export interface ReplyWait {
  readonly lkid: number;
  readonly awaited: 'request' | 'convert' | 'unlock' | 'cancel' | 'lookup' | 'unknown';
  readonly nodeId: number;
  readonly resource: string;
}
