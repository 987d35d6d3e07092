import type { ProcessWatch, Watched } from '../process-watch/port.js';
import type { CoreEvent } from './core/event.js';
import type { Owner } from './core/owner.js';

/** Watches the processes that own locks, one watch a lock. */
export class OwnerWatch {
  readonly #processes: ProcessWatch;
  readonly #dispatch: (event: CoreEvent) => void;
  readonly #watched = new Map<number, Watched>();

  constructor(processes: ProcessWatch, dispatch: (event: CoreEvent) => void) {
    this.#processes = processes;
    this.#dispatch = dispatch;
  }

  watch(id: number, owner: Owner): void {
    if (owner.kind !== 'process' || this.#watched.has(id)) return;
    const ended = (): void => this.#dispatch({ kind: 'owner-ended', owner });
    this.#watched.set(id, this.#processes.watch(owner, ended));
  }

  unwatch(id: number): void {
    this.#watched.get(id)?.close();
    this.#watched.delete(id);
  }

  close(): void {
    for (const watched of this.#watched.values()) watched.close();
    this.#watched.clear();
  }
}
