import { messageOf } from '../errors.js';
import { DlmError, type LocalLock, type LockId, type Lockspace } from '../dlm/index.js';
import { Backoff, pause } from './backoff.js';
import type { LockAction } from './core/effect.js';
import type { CoreEvent, KernelHold, KernelOrphan, LockFailure } from './core/event.js';
import { CoordinatorError } from './error.js';
import type { CoordinatorModules, CoordinatorOptions } from './modules.js';

/** How often the wait for quorum looks again: it only looks at what is known already. */
const QUORUM_POLL_MS = 250;
/** The longest pause between two questions to dlm_controld, which cost two processes each. */
const READY_DELAY_MAX_MS = 3_000;
/** Without dlm.ko no attempt succeeds until somebody loads it, and each one starts a child. */
const OPEN_DELAY_MAX_MS = 20_000;
/**
 * How long a stop waits for a stopped lockspace to run, so that it can be left: others that stop at
 * the same time stop it for a moment. Less than the unit's TimeoutStopSec, with room for the rest.
 */
const LEAVE_WAIT_MS = 20_000;
const LEAVE_POLL_MS = 200;

/** Opens the lockspace, carries out the core's lock actions in it, and opens it again when lost. */
export class LockspaceLink {
  readonly #options: CoordinatorOptions;
  readonly #modules: CoordinatorModules;
  readonly #dispatch: (event: CoreEvent) => void;
  #lockspace: Lockspace | null = null;
  #opening = 0;
  /** The lock manager's ids by ours; void when the lockspace is lost. */
  readonly #ids = new Map<number, LockId>();

  constructor(
    options: CoordinatorOptions,
    modules: CoordinatorModules,
    dispatch: (event: CoreEvent) => void,
  ) {
    this.#options = options;
    this.#modules = modules;
    this.#dispatch = dispatch;
  }

  /**
   * Runs until the signal is aborted. Rejects with CoordinatorError `UNSAFE` when dlm_controld
   * would hand over locks without fencing and the configuration does not allow that.
   */
  async run(signal: AbortSignal, noQuorumReason: () => string | null): Promise<void> {
    const backoff = new Backoff(this.#modules.clock, OPEN_DELAY_MAX_MS);
    while (!signal.aborted) {
      await this.#untilReady(signal, noQuorumReason);
      if (signal.aborted) return;
      try {
        const reason = await this.#openAndServe(signal);
        if (reason === null) return;
        backoff.reset();
        this.#dispatch({ kind: 'lockspace-lost', reason });
        this.#dispatch({ kind: 'warning', topic: 'stalled', text: null });
        this.#modules.log('error', `the lockspace is lost: ${reason}; it is opened again`);
      } catch (error) {
        const text = `the lockspace cannot be opened: ${messageOf(error)}; it is tried again`;
        this.#dispatch({ kind: 'warning', topic: 'lockspace-open', text });
        this.#waitFor(`the lockspace (${messageOf(error)})`);
      }
      await backoff.wait(signal);
    }
  }

  /** Asking the lock manager for anything before this holds would hang in the kernel. */
  async #untilReady(signal: AbortSignal, noQuorumReason: () => string | null): Promise<void> {
    const backoff = new Backoff(this.#modules.clock, READY_DELAY_MAX_MS);
    while (!signal.aborted) {
      const noQuorum = noQuorumReason();
      const reason = noQuorum ?? (await this.#unreadyReason());
      if (reason === null) return;
      this.#waitFor(reason);
      if (noQuorum === null) {
        await backoff.wait(signal);
      } else {
        backoff.reset();
        await pause(this.#modules.clock, QUORUM_POLL_MS, signal);
      }
    }
  }

  async #unreadyReason(): Promise<string | null> {
    try {
      const { fencing } = await this.#modules.lockManager.controllerView();
      this.#checkFencing(fencing);
      const state = await this.#modules.lockManager.lockspaceState(this.#options.lockspace);
      if (state.kind === 'abandoned') return `dlm_controld (${state.reason})`;
      return state.kind === 'waiting' ? `${state.for} in the lockspace` : null;
    } catch (error) {
      if (error instanceof CoordinatorError) throw error;
      return `dlm_controld (${messageOf(error)})`;
    }
  }

  #checkFencing(fencing: boolean): void {
    if (fencing) return;
    const what = 'fencing is disabled in dlm_controld: a dead or frozen node would lose its locks';
    if (!this.#options.unsafeNoFencing) {
      const how = 'enable_fencing=1 in /etc/dlm/dlm.conf, or unsafe_no_fencing = true in ours';
      throw new CoordinatorError('UNSAFE', `${what} while it may still write; set ${how}`);
    }
    const text = `${what}, and unsafe_no_fencing allows it: two nodes may write at once`;
    this.#dispatch({ kind: 'warning', topic: 'fencing', text });
  }

  #waitFor(reason: string): void {
    this.#dispatch({ kind: 'start-waits', waitingFor: reason });
  }

  async #openAndServe(signal: AbortSignal): Promise<string | null> {
    this.#waitFor('the lockspace to be opened');
    const lockspace = await this.#modules.lockManager.openLockspace(this.#options.lockspace);
    this.#dispatch({ kind: 'warning', topic: 'lockspace-open', text: null });
    let isLost = false;
    const lost = new Promise<string | null>((resolve) => {
      const end = (): void => resolve(null);
      lockspace.on('lost', (cause) => {
        isLost = true;
        // At once, so that no answer of the dead process is taken for one of the lockspace.
        if (this.#lockspace === lockspace) this.#forget();
        signal.removeEventListener('abort', end);
        resolve(cause.message);
      });
      signal.addEventListener('abort', end, { once: true });
    });
    lockspace.on('stalled', (operations) => {
      const longest = operations[0];
      const text =
        longest === undefined
          ? null
          : `${operations.length} lock operations are stuck in the kernel, the oldest ` +
            `(${longest.operation} '${longest.resource}') for ${Math.round(longest.forMs / 1000)} s`;
      this.#dispatch({ kind: 'warning', topic: 'stalled', text });
      this.#dispatch({ kind: 'lockspace-stalled', isStalled: text !== null });
    });
    this.#waitFor('adoption');
    const orphans = await this.#readOrphans(lockspace);
    if (signal.aborted) return null;
    if (isLost) return await lost;
    this.#lockspace = lockspace;
    this.#opening += 1;
    this.#dispatch({ kind: 'lockspace-open', opening: this.#opening, orphans });
    return await lost;
  }

  /** The open lockspace; null while there is none. For reading only: locks are the core's. */
  get current(): Lockspace | null {
    return this.#lockspace;
  }

  #forget(): void {
    this.#lockspace = null;
    this.#ids.clear();
  }

  async #readOrphans(lockspace: Lockspace): Promise<readonly KernelOrphan[] | null> {
    try {
      const locks = await lockspace.localLocks();
      this.#dispatch({ kind: 'warning', topic: 'kernel-tables', text: null });
      return locks
        .filter((lock) => lock.orphan)
        .map((lock) => ({ lockName: lock.resource, mode: lock.granted }));
    } catch (error) {
      const text =
        `the kernel's lock tables cannot be read (${messageOf(error)}): orphans that the list ` +
        `does not name stay unseen; mount debugfs on /sys/kernel/debug`;
      this.#dispatch({ kind: 'warning', topic: 'kernel-tables', text });
      return null;
    }
  }

  /**
   * Reads what the kernel has of this node, in words of the core; null with the reason where its
   * tables are not to be had. Tells nothing when the lockspace is lost or another by then.
   */
  readLocks(round: number, opening: number): void {
    const lockspace = this.#lockspace;
    if (lockspace === null || opening !== this.#opening) return;
    const tell = (locks: readonly KernelHold[] | null, reason: string): void => {
      if (this.#lockspace !== lockspace) return;
      this.#dispatch({ kind: 'locks-read', round, locks, reason });
    };
    lockspace.localLocks().then(
      (locks) => tell(locks.filter(({ status }) => status !== 'waiting').map(holdOf), ''),
      (error: unknown) => tell(null, messageOf(error)),
    );
  }

  /**
   * Carries out one action; its outcome comes back as an event. One that a slow disk held up until
   * the lockspace was lost and opened again is dropped: the core has asked anew by then.
   */
  perform(action: LockAction, opening: number): void {
    const lockspace = this.#lockspace;
    if (lockspace === null || opening !== this.#opening) return;
    switch (action.kind) {
      case 'take':
        this.#take(lockspace, action);
        break;
      case 'cancel':
        this.#cancel(lockspace, action.id);
        break;
      case 'unlock':
        this.#unlock(lockspace, action);
        break;
      case 'convert':
        this.#convert(lockspace, action);
        break;
      case 'adopt':
        this.#adopt(lockspace, action);
        break;
      default:
        action satisfies never;
    }
  }

  #take(lockspace: Lockspace, action: Extract<LockAction, { kind: 'take' }>): void {
    const { id, lockName, mode, wait } = action;
    const take = lockspace.take({ resource: lockName, mode, wait });
    this.#ids.set(id, take.id);
    this.#report(lockspace, take.granted, { kind: 'granted', id }, (failure) => {
      this.#ids.delete(id);
      return { kind: 'take-failed', id, failure };
    });
  }

  #cancel(lockspace: Lockspace, id: number): void {
    const lockId = this.#ids.get(id);
    if (lockId === undefined) return;
    lockspace.cancel(lockId).catch((error: unknown) => {
      // The promise of the take or convert tells what became of it; this one only says that it
      // was too late.
      this.#modules.log('debug', `cancel of lock ${id}: ${messageOf(error)}`);
    });
  }

  /**
   * Without QUECVT, unlike a take: who holds the lock already is granted at once what the others'
   * granted modes allow. Behind those that wait for it, it could only deadlock with them.
   */
  #convert(lockspace: Lockspace, action: Extract<LockAction, { kind: 'convert' }>): void {
    const { id, mode, wait } = action;
    const lockId = this.#ids.get(id);
    if (lockId === undefined) {
      this.#dispatch({ kind: 'convert-failed', id, failure: UNKNOWN_LOCK });
      return;
    }
    const granted = lockspace.convert(lockId, { mode, wait });
    this.#report(lockspace, granted, { kind: 'converted', id }, (failure) => {
      return { kind: 'convert-failed', id, failure };
    });
  }

  #unlock(lockspace: Lockspace, action: Extract<LockAction, { kind: 'unlock' }>): void {
    const { id, force } = action;
    const lockId = this.#ids.get(id);
    if (lockId === undefined) {
      this.#dispatch({ kind: 'unlock-failed', id, failure: UNKNOWN_LOCK });
      return;
    }
    const asked = force ? lockspace.unlock(lockId, { force }) : lockspace.unlock(lockId);
    const unlocked = asked.then(() => {
      this.#ids.delete(id);
    });
    this.#report(lockspace, unlocked, { kind: 'unlocked', id }, (failure) => {
      return { kind: 'unlock-failed', id, failure };
    });
  }

  #adopt(lockspace: Lockspace, action: Extract<LockAction, { kind: 'adopt' }>): void {
    const { id, lockName, mode } = action;
    const adopted = lockspace.adopt({ resource: lockName, mode }).then((lockId) => {
      this.#ids.set(id, lockId);
    });
    this.#report(lockspace, adopted, { kind: 'adopted', id }, (failure) => {
      return { kind: 'adopt-failed', id, failure };
    });
  }

  /** Turns a promise into an event, unless the lockspace it belongs to is lost by then. */
  #report(
    lockspace: Lockspace,
    outcome: Promise<unknown>,
    done: CoreEvent,
    failed: (failure: LockFailure) => CoreEvent,
  ): void {
    const tell = (event: CoreEvent): void => {
      if (this.#lockspace === lockspace) this.#dispatch(event);
    };
    outcome.then(
      () => tell(done),
      (error: unknown) => tell(failed(failureOf(error))),
    );
  }

  /** Leaves the lockspace, when it `mayLeave` and as soon as it runs, or lets go of it as it is. */
  async close(mayLeave: boolean): Promise<void> {
    const lockspace = this.#lockspace;
    this.#lockspace = null;
    if (lockspace === null) return;
    try {
      const obstacle = mayLeave ? await this.#obstacleToLeaving() : null;
      if (obstacle !== null) this.#notLeft(obstacle);
      if (mayLeave && obstacle === null) await lockspace.release();
      else await lockspace.close();
    } catch (error) {
      this.#notLeft(messageOf(error));
      await lockspace.close();
    }
  }

  #notLeft(why: string): void {
    this.#modules.log('error', `the lockspace was not left: ${why}`);
  }

  /** Null when it runs: to leave a stopped one hangs in the kernel. */
  async #obstacleToLeaving(): Promise<string | null> {
    const { clock, lockManager } = this.#modules;
    const { signal } = new AbortController();
    const untilMs = clock.monotonic() + LEAVE_WAIT_MS;
    for (;;) {
      const condition = await lockManager.lockspaceState(this.#options.lockspace);
      if (condition.kind === 'running') return null;
      if (condition.kind === 'absent') return 'the kernel does not have it any more';
      if (condition.kind === 'abandoned') return condition.reason;
      if (clock.monotonic() >= untilMs) return `it waits for ${condition.for}`;
      await pause(clock, LEAVE_POLL_MS, signal);
    }
  }
}

function holdOf({ resource, granted }: LocalLock): KernelHold {
  return { lockName: resource, mode: granted };
}

const UNKNOWN_LOCK: LockFailure = {
  code: 'UNKNOWN_LOCK', message: 'the lock manager does not have it',
};

function failureOf(error: unknown): LockFailure {
  const code = error instanceof DlmError ? error.code : 'UNEXPECTED';
  return { code, message: messageOf(error) };
}
