import type { Explanation } from '../../src/coordinator/core/explain.js';
import { CoordinatorError } from '../../src/coordinator/error.js';
import type {
  CoordinatorEvent, FencingHint, LastManifest, LockView, NodeView, OrphanView, OwnLockView,
  StatusView,
} from '../../src/coordinator/core/view.js';
import type {
  AcquireRequest, AcquireResult, AcquireSetRequest, AcquireSetResult, ConvertRequest,
  ConvertResult, CoordinatorService, FencingReport, HandoverRequest, HandoverResult,
  ReleaseOrphanRequest, ReleaseOrphanResult, ReleaseRequest, ReleaseResult, StopLocks,
} from '../../src/coordinator/service.js';

/** A coordinator without a cluster: answers what the test put in, and remembers what was asked. */
export class FakeService implements CoordinatorService {
  readonly acquires: AcquireRequest[] = [];
  readonly setAcquires: AcquireSetRequest[] = [];
  readonly converts: ConvertRequest[] = [];
  readonly handovers: HandoverRequest[] = [];
  readonly releases: ReleaseRequest[] = [];
  readonly orphanReleases: ReleaseOrphanRequest[] = [];
  readonly listeners = new Set<(event: CoordinatorEvent) => void>();
  statusView: StatusView = aStatus();
  nodeViews: readonly NodeView[] = [aNode({ self: true }), aNode({ id: 2, name: 'n2' })];
  lockViews: readonly LockView[] = [];
  orphanViews: readonly OrphanView[] = [];
  explanation: Explanation = {
    resource: '', lockName: 'vm-1', verdict: 'held', holders: [], waiters: [],
    sentences: ['qemu-17 holds it in EX on n1 since 2030-01-01T00:00:00.000Z.', 'It is kept.'],
  };
  /** What the next acquires do. */
  onAcquire: (request: AcquireRequest) => Promise<AcquireResult> = (request) =>
    Promise.resolve({
      lock: aLock({ resource: request.resource, mode: request.mode, owner: request.owner }),
      acquired: true,
      convertedFrom: null,
    });
  onConvert: (request: ConvertRequest) => Promise<ConvertResult> = ({ resource, mode, owner }) =>
    Promise.resolve({
      lock: aLock({ resource, mode, owner }), from: 'EX', converted: mode !== 'EX', pending: false,
    });
  onAcquireSet: (request: AcquireSetRequest) => Promise<AcquireSetResult> = ({ members, owner }) =>
    Promise.resolve({
      members: members.map((member) => ({
        lock: aLock({ ...member, owner }), acquired: true, convertedFrom: null,
      })),
    });
  onRelease: (request: ReleaseRequest) => Promise<ReleaseResult> = () =>
    Promise.resolve({ released: true, pending: false });

  onHandover: (request: HandoverRequest) => Promise<HandoverResult> = ({ resource, owner }) =>
    Promise.resolve({ at: 'joined', lock: aLock({ resource, owner, mode: 'CW' }) });

  onReleaseOrphan: (request: ReleaseOrphanRequest) => Promise<ReleaseOrphanResult> =
    ({ dryRun }) => Promise.resolve({
      dryRun, released: !dryRun, pending: false, orphan: anOrphan(), others: 0,
    });

  status(): StatusView {
    return this.statusView;
  }

  nodes(): readonly NodeView[] {
    return this.nodeViews;
  }

  locks(): readonly LockView[] {
    return this.lockViews;
  }

  explain(resource: string): Promise<Explanation> {
    return Promise.resolve({ ...this.explanation, resource });
  }

  acquire(request: AcquireRequest): Promise<AcquireResult> {
    this.acquires.push(request);
    return this.onAcquire(request);
  }

  acquireSet(request: AcquireSetRequest): Promise<AcquireSetResult> {
    this.setAcquires.push(request);
    return this.onAcquireSet(request);
  }

  convert(request: ConvertRequest): Promise<ConvertResult> {
    this.converts.push(request);
    return this.onConvert(request);
  }

  release(request: ReleaseRequest): Promise<ReleaseResult> {
    this.releases.push(request);
    return this.onRelease(request);
  }

  ownLockView: OwnLockView = { state: 'none', lock: null, standing: { kind: 'ok' } };

  ownLock(): OwnLockView {
    return this.ownLockView;
  }

  hintFencing(report: FencingReport): Promise<FencingHint> {
    return Promise.resolve({ ...report, at: '2030-01-01T00:00:00.000Z', nodeId: 2, controller: 'needed' });
  }

  lastManifests: readonly LastManifest[] = [];

  lastManifest(node: string): LastManifest {
    const found = this.lastManifests.find((one) => one.node.name === node);
    if (found === undefined) throw new CoordinatorError('NOT_HELD', `nothing of '${node}'`);
    return found;
  }

  handover(request: HandoverRequest): Promise<HandoverResult> {
    this.handovers.push(request);
    return this.onHandover(request);
  }

  orphans(): readonly OrphanView[] {
    return this.orphanViews;
  }

  releaseOrphan(request: ReleaseOrphanRequest): Promise<ReleaseOrphanResult> {
    this.orphanReleases.push(request);
    return this.onReleaseOrphan(request);
  }

  onStop: (locks: StopLocks) => Promise<{ readonly kept: number }> = () =>
    Promise.resolve({ kept: 0 });

  stop(locks: StopLocks): Promise<{ readonly kept: number }> {
    return this.onStop(locks);
  }

  subscribe(listener: (event: CoordinatorEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: CoordinatorEvent): void {
    for (const listener of this.listeners) {
      listener(event);
    }
  }
}

/** An acquire that waits until its caller goes away, and then fails as the coordinator does. */
export function waitForAbort(request: AcquireRequest): Promise<never> {
  return new Promise((_, reject) => {
    request.signal.addEventListener('abort', () => {
      reject(new CoordinatorError('CANCELED', 'The caller went away.'));
    }, { once: true });
  });
}

export function aStatus(changes: Partial<StatusView> = {}): StatusView {
  return {
    node: { id: 1, name: 'n1' },
    incarnation: '00112233445566778899aabbccddeeff',
    bootId: '6a1c2f5e-0000-4000-8000-000000000001',
    version: '0.1.0',
    lockspace: 'holdfast',
    group: 'holdfast',
    standing: { kind: 'ok' },
    quorate: true,
    quorumNodes: [1, 2, 3],
    locks: { held: 1, waiting: 0, other: 0, quarantined: 0 },
    lost: [],
    fencingHints: [],
    warnings: [],
    counters: {},
    ...changes,
  };
}

export function aNode(changes: Partial<NodeView> = {}): NodeView {
  return {
    id: 1,
    name: 'n1',
    self: false,
    state: 'synced',
    since: '2026-01-02T03:04:05.000Z',
    incarnation: '00112233445566778899aabbccddeeff',
    bootId: '6a1c2f5e-0000-4000-8000-000000000001',
    locks: 1,
    protocol: { min: 1, max: 1 },
    note: null,
    ...changes,
  };
}

export function aLock(changes: Partial<LockView> = {}): LockView {
  return {
    resource: 'vm-17',
    lockspace: 'holdfast',
    mode: 'EX',
    converting: null,
    state: 'held',
    owner: { kind: 'named', name: 'qemu-17' },
    node: { id: 1, name: 'n1' },
    nodeState: 'synced',
    generation: 1_790_000_000_017,
    since: '2026-01-02T03:04:05.000Z',
    note: null,
    ...changes,
  };
}

export function anOrphan(changes: Partial<LockView> = {}): OrphanView {
  const lock = aLock({ resource: 'disk', state: 'quarantined', owner: null, ...changes });
  return { lock, blocks: ['CR', 'CW', 'PR', 'PW', 'EX'], waiting: [] };
}
