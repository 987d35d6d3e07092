import type { LockMode } from '../../../src/coordinator/core/mode.js';
import type { EmbeddedCluster } from '../../../src/embedded/index.js';
import { grantedMode } from '../../../src/embedded/dlm/lock.js';
import { Checker, exclude, type KernelLock } from '../checker.js';

/** What was told and seen, against the truth, which is the lock engine's alone. */
export class Ledger {
  readonly checker = new Checker();
  readonly #cluster: EmbeddedCluster;
  readonly #clock: { monotonic(): number };
  /** The greatest generation that was told of a resource, and of whose grant. */
  readonly #generations = new Map<string, { readonly number: number; readonly whose: string }>();
  /** When a boot of a node was last seen without a part in the lockspace. */
  readonly #absentMs = new Map<string, number>();

  constructor(cluster: EmbeddedCluster, clock: { monotonic(): number }) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** What the kernels really hold; nothing of a node without power. */
  kernel(): readonly KernelLock[] {
    const lockspace = this.#cluster.engine.lockspace('holdfast');
    return this.#cluster.nodes.filter(({ state }) => state !== 'off').flatMap(({ id }) =>
      lockspace.locksOf(id).flatMap((lock) => {
        const mode = grantedMode(lock);
        const isOrphan = lock.orphan || !lock.owner.alive;
        return mode === null ? [] : [{ nodeId: id, resource: lock.resource, mode, isOrphan }];
      }));
  }

  /** After every turn. */
  check(): void {
    const kernel = this.kernel();
    this.checker.checkHeld(kernel);
    this.#checkExclusion(kernel);
    this.#noteAbsences();
  }

  /** Nobody alive holds what excludes another who is alive, on any two nodes. */
  #checkExclusion(kernel: readonly KernelLock[]): void {
    for (const [index, one] of kernel.entries()) {
      for (const other of kernel.slice(index + 1)) {
        if (one.resource !== other.resource || !exclude(one.mode, other.mode)) continue;
        const where = `${one.mode} on n${one.nodeId} and ${other.mode} on n${other.nodeId}`;
        this.checker.fail('3 exclusion', `the kernels hold ${one.resource} ${where}`);
      }
    }
  }

  /** A held exclusive lock was told with that fencing token. */
  seenGeneration(resource: string, mode: LockMode, number: number | null, whose: string): void {
    if (mode !== 'EX' && mode !== 'PW') return;
    if (number === null) {
      this.checker.fail('8 generations', `${resource} ${mode} of ${whose} is held without one`);
      return;
    }
    const before = this.#generations.get(resource);
    const isNew = before === undefined || number > before.number;
    if (isNew) this.#generations.set(resource, { number, whose });
    else if (number < before.number || before.whose !== whose) {
      const what = `${resource} of ${whose} has ${number} after ${before.number} of ${before.whose}`;
      this.checker.fail('8 generations', what);
    }
  }

  /** That lock is gone: the next one needs a token of its own, whoever gets it. */
  ended(resource: string, whose: string): void {
    const before = this.#generations.get(resource);
    if (before?.whose === whose) this.#generations.set(resource, { ...before, whose: 'nobody' });
  }

  /**
   * Somebody calls a node `recovered`: between the news that it is down and this, DLM must have
   * been without that boot of it.
   */
  checkRecovered(who: string, id: number, bootId: string | null, downSinceMs: number): void {
    const boot = bootId ?? this.#cluster.node(id).bootId;
    this.#noteAbsences();
    const absentMs = this.#absentMs.get(`${id} ${boot}`) ?? -1;
    const isOtherBoot = this.#cluster.node(id).bootId !== boot && !this.#isOldBootIn(id);
    if (isOtherBoot || absentMs >= downSinceMs) return;
    this.checker.fail('9 recovered', `${who} calls n${id} recovered, and DLM still counts its locks`);
  }

  #noteAbsences(): void {
    const nowMs = this.#clock.monotonic();
    const lockspace = this.#cluster.engine.lockspace('holdfast');
    for (const { id, bootId } of this.#cluster.nodes) {
      if (!lockspace.hasNode(id)) this.#absentMs.set(`${id} ${bootId}`, nowMs);
    }
  }

  /** The node has booted again, and what it held before has not been recovered from. */
  #isOldBootIn(id: number): boolean {
    const lockspace = this.#cluster.engine.lockspace('holdfast');
    return lockspace.hasNode(id) && lockspace.kernelOf(id)?.state !== 'member';
  }
}
