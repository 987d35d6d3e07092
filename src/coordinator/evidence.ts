import type { ClusterView, KernelResource, LockManager, Lockspace, ResourceLock } from '../dlm/index.js';
import type { Clock } from '../clock.js';
import type { Evidence, KernelClaim, KernelFacts } from './core/explain.js';
import type { FencingFacts } from './core/fencing.js';

/** Explaining waits that long for the kernel's tables and for dlm_controld, each. */
const EVIDENCE_MS_MAX = 3_000;

interface Modules {
  readonly lockManager: LockManager;
  readonly clock: Clock;
}

/**
 * Asks this node's kernel and dlm_controld what they know of a resource and of fencing. Whoever
 * does not answer in time, or fails, is null: an explanation never hangs with what it explains.
 */
export async function gatherEvidence(
  lockspace: Lockspace | null,
  lockName: string,
  self: number,
  modules: Modules,
): Promise<Evidence> {
  const [kernel, fencing] = await Promise.all([
    lockspace === null ? null : within(modules.clock, lockspace.resources()),
    askFencing(modules),
  ]);
  return {
    kernel: kernel === null ? null : kernelFacts(kernel, lockName, self),
    fencing,
  };
}

/** What dlm_controld says of fencing; null when it fails or takes longer than is waited for. */
export async function askFencing({ clock, lockManager }: Modules): Promise<FencingFacts | null> {
  const view = await within(clock, lockManager.clusterView());
  return view === null ? null : fencingFacts(view);
}

/** What it resolves with; null when it fails or takes too long. */
function within<T>(clock: Clock, asked: Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(EVIDENCE_MS_MAX, () => resolve(null));
    const settle = (answer: T | null): void => {
      timer.cancel();
      resolve(answer);
    };
    asked.then(settle, () => settle(null));
  });
}

function kernelFacts(
  resources: readonly KernelResource[],
  lockName: string,
  self: number,
): KernelFacts | 'none' {
  const found = resources.find(({ name }) => name === lockName);
  if (found === undefined) return 'none';
  const { masterNodeId, granted, converting, waiting } = found;
  return {
    isMaster: masterNodeId === null,
    masterNodeId,
    granted: claims([...granted, ...converting], self, (lock) => lock.granted),
    waiting: claims([...converting, ...waiting], self, (lock) => lock.requested),
  };
}

function claims(
  locks: readonly ResourceLock[],
  self: number,
  modeOf: (lock: ResourceLock) => KernelClaim['mode'] | null,
): readonly KernelClaim[] {
  return locks.flatMap((lock) => {
    const mode = modeOf(lock);
    return mode === null || mode === 'NL' ? [] : [{ nodeId: lock.nodeId ?? self, mode }];
  });
}

function fencingFacts({ fencingEnabled, nodes }: ClusterView): FencingFacts {
  return {
    enabled: fencingEnabled,
    nodes: nodes.flatMap(({ nodeId, fencing }) => fencing === 'none' ? [] : [{ nodeId, fencing }]),
  };
}
