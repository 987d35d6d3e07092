import type { Member } from '../cpg/index.js';
import type { ProcessWatch } from '../process-watch/port.js';
import { CoordinatorError } from './error.js';

/**
 * Another daemon of this node in the group: two would speak for one node, and each would take the
 * other's word for its own. Who comes second gives way, once, at its start: a daemon that has been
 * in the group and comes back to it may hold locks, and only warns.
 *
 * Not everybody on this node who is in the group is a daemon, and corosync shows a killed one for a
 * moment. So it takes a message of a process that was there before us and that still lives.
 */
export class NamesakeWatch {
  readonly #group: string;
  readonly #processes: Pick<ProcessWatch, 'identify'>;
  #elders: ReadonlySet<number> | null = null;

  constructor(group: string, processes: Pick<ProcessWatch, 'identify'>) {
    this.#group = group;
    this.#processes = processes;
  }

  /** The members of a view; those of the first were there before this daemon. */
  meet(self: Member, members: readonly Member[]): void {
    this.#elders ??= new Set(members
      .filter(({ nodeId, pid }) => nodeId === self.nodeId && pid !== self.pid)
      .map(({ pid }) => pid));
  }

  /**
   * A message of a daemon of this node that is not this one: CoordinatorError `UNSAFE` when this
   * one has to give way, null when not.
   */
  async hear({ pid }: Member): Promise<CoordinatorError | null> {
    if (this.#elders?.has(pid) !== true) return null;
    if ((await this.#processes.identify(pid)) === null) return null;
    return new CoordinatorError('UNSAFE', `process ${pid} of this node is a daemon in the ` +
      `group '${this.#group}' already, and two cannot speak for one node: stop it, or give this ` +
      'one another group and lockspace');
  }
}
