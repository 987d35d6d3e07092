import { explainHandover } from './explain-handover.js';
import { explainHints } from './explain-hints.js';
import type { FencingFacts } from './fencing.js';
import { nameOfNode, viewLocks } from './lock-view.js';
import type { LockMode } from './mode.js';
import { describeOwner } from './owner.js';
import type { State } from './state.js';
import type { FencingHint, LockView, Standing } from './view.js';

/** One lock in the kernel's queues of a resource. */
export interface KernelClaim {
  readonly nodeId: number;
  readonly mode: LockMode;
}

/** What this node's kernel knows of a resource. Only the master's kernel knows all nodes. */
export interface KernelFacts {
  readonly isMaster: boolean;
  readonly masterNodeId: number | null;
  /** NL left out: it excludes nobody. */
  readonly granted: readonly KernelClaim[];
  /** In the order of service. */
  readonly waiting: readonly KernelClaim[];
}

/** What could be asked; null = it did not answer, or cannot be read. */
export interface Evidence {
  /** `none`: the kernel of this node has no such resource. */
  readonly kernel: KernelFacts | 'none' | null;
  readonly fencing: FencingFacts | null;
  /** What was heard of fencing, oldest first. */
  readonly hints?: readonly FencingHint[];
}

/** In one word, what stands between an exclusive acquire on this node and its grant. */
export type Verdict =
  | 'free' | 'held' | 'daemon-down' | 'node-down' | 'quarantined' | 'unexplained'
  | 'starting' | 'no-quorum' | 'recovering' | 'isolated';

export interface Explanation {
  readonly resource: string;
  readonly lockName: string;
  readonly verdict: Verdict;
  /** What is the case, why, and what would change it; the most important first. */
  readonly sentences: readonly string[];
  /** Who holds it, as far as manifests tell; a node that is down included. */
  readonly holders: readonly LockView[];
  /** Who waits for it, as far as manifests tell. */
  readonly waiters: readonly LockView[];
}

/** Why a resource is or is not to be had, from all that is known here. */
export function explain(
  state: State,
  resource: string,
  lockName: string,
  evidence: Evidence,
): Explanation {
  const known = viewLocks(state).filter((lock) => lock.resource === resource
    || (lock.owner === null && lock.resource === lockName));
  const waiters = known.filter((lock) => lock.state === 'waiting');
  const holders = known.filter((lock) => lock.state !== 'waiting' && lock.state !== 'taking');
  const nameOf = (nodeId: number): string => nameOfNode(state, nodeId);
  const sentences = [
    ...explainStanding(state.standing),
    ...explainHandover(holders),
    ...holders.flatMap((lock) => explainHolder(asSpoken(state, lock), evidence.fencing)),
    ...explainHints(holders, evidence.hints ?? []),
    ...explainKernel(evidence.kernel, holders, nameOf),
    ...explainQueue(waiters, evidence.kernel, nameOf),
  ];
  const verdict = judge(state.standing, holders, evidence.kernel);
  if (verdict === 'free') sentences.push(explainFree(state, resource, evidence.kernel));
  return { resource, lockName, verdict, sentences, holders, waiters };
}

/** Whatever the group has of our own daemon: it is there, since it is what speaks. */
function asSpoken(state: State, lock: LockView): LockView {
  return lock.node.id === state.self.nodeId ? { ...lock, nodeState: 'synced' } : lock;
}

/** Only the master's kernel, or everyone's manifest, knows that there is nobody. */
function explainFree(state: State, resource: string, kernel: Evidence['kernel']): string {
  const isMaster = kernel !== null && kernel !== 'none' && kernel.isMaster;
  const unheard = [...state.peers.values()]
    .filter(({ state: peer }) => peer === 'joining' || peer === 'stale')
    .map(({ name }) => name);
  if (isMaster || unheard.length === 0) {
    return `Nobody holds '${resource}': an acquire would be granted.`;
  }
  return `Nobody is known to hold '${resource}', but what ${unheard.join(', ')} holds is not ` +
    'known yet; ask again in a moment.';
}

function judge(
  standing: Standing,
  holders: readonly LockView[],
  kernel: Evidence['kernel'],
): Verdict {
  if (standing.kind !== 'ok') return standing.kind;
  const worst = HOLDER_VERDICTS.find((verdict) => {
    return holders.some((lock) => verdictOf(lock) === verdict);
  });
  if (worst !== undefined) return worst;
  const isHeld = kernel !== null && kernel !== 'none' && kernel.granted.length > 0;
  return isHeld ? 'unexplained' : 'free';
}

/** The one whose end is farthest away first. */
const HOLDER_VERDICTS = ['quarantined', 'node-down', 'daemon-down', 'held'] as const;

function verdictOf(lock: LockView): (typeof HOLDER_VERDICTS)[number] {
  if (lock.state === 'quarantined') return 'quarantined';
  if (lock.nodeState === 'node-down') return 'node-down';
  return lock.nodeState === 'daemon-down' || lock.nodeState === 'left' ? 'daemon-down' : 'held';
}

function explainStanding(standing: Standing): readonly string[] {
  switch (standing.kind) {
    case 'ok':
      return [];
    case 'starting':
      return [`This node is still starting and waits for ${standing.waitingFor}; ` +
        'it grants nothing until then.'];
    case 'no-quorum':
      return ['This node has no quorum: nothing new is granted until enough nodes are back. ' +
        'What is held stays held.'];
    case 'recovering':
      return [`The lockspace is stopped and waits for ${standing.waitingFor}: the kernel grants ` +
        'nothing until that has happened. Acquires that wait are served then.'];
    case 'isolated':
      return [`This node is isolated (${standing.reason}): it grants nothing, and what it says ` +
        'of other nodes is old. Bring corosync and dlm_controld back, or ask another node.'];
    default:
      return standing satisfies never;
  }
}

function explainHolder(lock: LockView, fencing: FencingFacts | null): readonly string[] {
  const who = lock.owner === null ? 'An unknown owner' : describeOwner(lock.owner);
  const held = `${who} holds it in ${lock.mode} on ${lock.node.name} since ${lock.since}`;
  if (lock.state === 'quarantined') {
    return [`An orphan that no list explains holds it in ${lock.mode} on ${lock.node.name} since ` +
      `${lock.since}. Find out what took it; when nothing uses it any more, release it there ` +
      'by hand.'];
  }
  switch (verdictOf(lock)) {
    case 'node-down':
      return [`${held}. ${lock.node.name} left the cluster, and whether it is dead is not proven: ` +
        `its lock holds until it is fenced. ${explainFencing(lock.node.id, fencing)}`];
    case 'daemon-down':
      return [`${held}. The daemon there is ${lock.nodeState === 'left' ? 'stopped' : 'gone'}, ` +
        'but the kernel keeps the lock: start the daemon on that node, which takes the lock over, ' +
        'and release it there.'];
    case 'held':
    case 'quarantined':
      if (lock.state === 'releasing') return [`${held} and is just releasing it.`];
      if (lock.state === 'orphaned') return [`${held}. The daemon there is just taking it over.`];
      return [`${held}. ${endOf(lock)}`];
    default:
      return [];
  }
}

/** What would end a lock whose holder is alive. */
function endOf(lock: LockView): string {
  if (lock.owner?.kind === 'process') {
    return `It is released when that process ends, or by 'holdfast release' on ${lock.node.name}.`;
  }
  return `It is kept until it is released on ${lock.node.name}.`;
}

function explainFencing(nodeId: number, fencing: FencingFacts | null): string {
  if (fencing === null) return 'dlm_controld does not answer, so what fencing does is not known.';
  const node = fencing.nodes.find((one) => one.nodeId === nodeId);
  if (!fencing.enabled) return 'Fencing is DISABLED in dlm_controld: nothing proves its death.';
  if (node?.fencing === 'in-progress') return 'A fencing agent is at work on it.';
  if (node?.fencing === 'needed') {
    return 'dlm_controld waits for it to be fenced: look at the fencing device, or, when you have ' +
      "seen with your own eyes that it is off, acknowledge that with 'dlm_tool fence_ack " +
      `${nodeId}' or 'stonith_admin --confirm'.`;
  }
  return 'dlm_controld does not wait for it to be fenced: either that is done and the lockspace is ' +
    'about to recover, or dlm_controld has not taken note of the loss yet.';
}

function explainKernel(
  kernel: Evidence['kernel'],
  holders: readonly LockView[],
  nameOf: (nodeId: number) => string,
): readonly string[] {
  if (kernel === null) return ["The kernel's tables cannot be read, so this is the manifests' word alone."];
  if (kernel === 'none' || kernel.granted.length === 0) return [];
  const unknown = kernel.granted.filter(({ nodeId }) => {
    return !holders.some((lock) => lock.node.id === nodeId);
  });
  return unknown.map(({ nodeId, mode }) => {
    return `The kernel has it granted in ${mode} to ${nameOf(nodeId)}, and no manifest says for ` +
      'whom: its daemon may be just telling, or another program took it.';
  });
}

function explainQueue(
  waiters: readonly LockView[],
  kernel: Evidence['kernel'],
  nameOf: (nodeId: number) => string,
): readonly string[] {
  if (kernel !== null && kernel !== 'none' && kernel.isMaster && kernel.waiting.length > 0) {
    const queue = kernel.waiting.map(({ nodeId, mode }) => `${nameOf(nodeId)} (${mode})`);
    return [`In the kernel's queue, in the order of service: ${queue.join(', ')}.`];
  }
  if (waiters.length === 0) return [];
  const names = waiters.map((lock) => {
    const who = lock.owner === null ? 'somebody' : describeOwner(lock.owner);
    return `${who} on ${lock.node.name} (${lock.mode}, since ${lock.since})`;
  });
  return [`Waiting for it, in no known order: ${names.join(', ')}.`];
}
