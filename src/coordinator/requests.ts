import type { Answer } from './core/effect.js';
import type { CoreEvent } from './core/event.js';
import { viewLocks, viewOwnLock } from './core/lock-view.js';
import type { Owner } from './core/owner.js';
import { findOrphan, whyByHand } from './core/quarantine.js';
import type { State } from './core/state.js';
import { CoordinatorError } from './error.js';
import type { CoordinatorModules } from './modules.js';
import { viewOrphan } from './orphans.js';
import { checkMode } from './reserved-mode.js';
import { checkOwnerName, checkReason, toLockName, toShownLockName } from './resource-name.js';
import type {
  AcquireRequest, AcquireResult, AcquireSetRequest, AcquireSetResult, ConvertRequest,
  ConvertResult, HandoverRequest, HandoverResult, ReleaseOrphanRequest, ReleaseOrphanResult,
  ReleaseRequest, ReleaseResult,
} from './service.js';
import { toMembers } from './set-members.js';

/** What requests need of the coordinator that they are made to. */
export interface RequestsAround {
  readonly state: State;
  readonly processWatch: CoordinatorModules['processWatch'];
  /** Whether so much waits for the disk that nothing more is taken. */
  isFull(): boolean;
  /** Its owner has let go: that it was lost needs no more telling. */
  forgetLost(resource: string, owner: Owner): void;
  /** Puts the event to the core and gives its answer; rejects with CANCELED at the signal. */
  ask(signal: AbortSignal, event: (caller: number) => CoreEvent): Promise<Answer>;
}

/** What owners ask for: checked here, decided by the core, and refused as a CoordinatorError. */
export class Requests {
  readonly #around: RequestsAround;

  constructor(around: RequestsAround) {
    this.#around = around;
  }

  async acquire(request: AcquireRequest): Promise<AcquireResult> {
    const { resource, mode, owner, waitMs, signal } = request;
    const lockName = toLockName(resource);
    checkMode(mode);
    await this.#checkOwner(owner);
    if (this.#around.isFull()) throw backlogError();
    const answer = await this.#around.ask(signal, (caller) => {
      return { kind: 'acquire', caller, resource, lockName, mode, owner, waitMs };
    });
    if (answer.kind === 'acquired') {
      return { lock: answer.lock, acquired: answer.acquired, convertedFrom: null };
    }
    if (answer.kind !== 'converted') throw errorOf(answer);
    return { lock: answer.lock, acquired: false, convertedFrom: answer.from };
  }

  async convert(request: ConvertRequest): Promise<ConvertResult> {
    const { resource, mode, owner, waitMs, signal } = request;
    toLockName(resource);
    checkMode(mode);
    if (this.#around.isFull()) throw backlogError();
    const answer = await this.#around.ask(signal, (caller) => {
      return { kind: 'convert', caller, resource, mode, owner, waitMs };
    });
    if (answer.kind !== 'converted') throw errorOf(answer);
    const { lock, from, pending } = answer;
    return { lock, from, converted: from !== mode, pending };
  }

  async acquireSet(request: AcquireSetRequest): Promise<AcquireSetResult> {
    const { owner, waitMs, signal } = request;
    const members = toMembers(request.members);
    for (const { mode } of members) checkMode(mode);
    await this.#checkOwner(owner);
    const answer = await this.#around.ask(signal, (caller) => {
      return { kind: 'acquire-set', caller, members, owner, waitMs };
    });
    if (answer.kind === 'acquired-set') {
      const members = answer.members.map(({ lock, acquired }) => {
        return { lock, acquired, convertedFrom: null };
      });
      return { members };
    }
    throw errorOf(answer);
  }

  async release(request: ReleaseRequest): Promise<ReleaseResult> {
    const { resource, owner, signal } = request;
    toLockName(resource);
    const answer = await this.#around.ask(signal, (caller) => {
      return { kind: 'release', caller, resource, owner };
    });
    this.#around.forgetLost(resource, owner);
    if (answer.kind === 'released') return { released: answer.released, pending: answer.pending };
    throw errorOf(answer);
  }

  async handover(request: HandoverRequest): Promise<HandoverResult> {
    const { action, resource, owner, to, waitMs, signal } = request;
    const lockName = toLockName(resource);
    if (owner.kind === 'named') checkOwnerName(owner.name);
    if (this.#around.isFull()) throw backlogError();
    const answer = await this.#around.ask(signal, (caller) => {
      return { kind: 'handover', action, caller, resource, lockName, owner, to, waitMs };
    });
    if (answer.kind !== 'handover') throw errorOf(answer);
    return { at: answer.at, lock: answer.lock };
  }

  async releaseOrphan(request: ReleaseOrphanRequest): Promise<ReleaseOrphanResult> {
    const { resource, mode, expect, reason, by, dryRun, signal } = request;
    const lockName = toShownLockName(resource);
    checkReason(reason);
    if (by !== null) checkOwnerName(by);
    const { state } = this.#around;
    const found = findOrphan(state, { lockName, mode, expect }, whyByHand(reason, by));
    if (found.kind === 'refused') throw errorOf(found);
    const orphan = viewOrphan(viewOwnLock(state, found.lock), viewLocks(state));
    const others = found.kind === 'found' ? found.others : 0;
    if (dryRun) {
      return { dryRun, orphan, others, released: false, pending: found.kind === 'releasing' };
    }
    const answer = await this.#around.ask(signal, (caller) => {
      return { kind: 'release-orphan', caller, lockName, mode, expect, reason, by };
    });
    if (answer.kind !== 'released') throw errorOf(answer);
    return { dryRun, orphan, others, released: answer.released, pending: answer.pending };
  }

  async #checkOwner(owner: Owner): Promise<void> {
    if (owner.kind === 'named') {
      checkOwnerName(owner.name);
      return;
    }
    const found = await this.#around.processWatch.identify(owner.pid);
    if (found?.startTime === owner.startTime) return;
    const text = `there is no process ${owner.pid} that started at ${owner.startTime} here`;
    throw new CoordinatorError('OWNER_GONE', `${text}; the owner must be alive to hold a lock`);
  }
}

/** The core's refusal, as it is thrown. */
export function errorOf(answer: Answer): CoordinatorError {
  if (answer.kind !== 'refused') {
    return new CoordinatorError('LOCK_MANAGER', `an answer of the wrong kind: ${answer.kind}`);
  }
  const { code, message, retryable, holders } = answer;
  return new CoordinatorError(code, message, { retryable, holders });
}

/** Only a disk that hangs brings it that far. */
function backlogError(): CoordinatorError {
  const text = 'too many changes wait for the disk of the lock list; try again later';
  return new CoordinatorError('LIMIT', text, { retryable: true });
}
