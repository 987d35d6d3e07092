import type { ReactionEventName } from '../config/index.js';
import type { LockView, NodeView, Standing } from '../coordinator/core/view.js';

/** What a reaction's command reads as one line of JSON on its standard input. */
export interface ReactionEvent {
  /** The same at every attempt, also after a restart of the daemon: to tell a repetition by. */
  readonly id: string;
  readonly event: ReactionEventName;
  /** When it was noticed, ISO 8601, by this node's clock. */
  readonly at: string;
  /** The node that the command runs on. */
  readonly onNode: { readonly id: number | null; readonly name: string };
  readonly standing: Standing;
  /** For `node-down` and `node-recovered`: the node that it is about. */
  readonly node: NodeView | null;
  /** For the lock events: the lock. */
  readonly lock: LockView | null;
  /**
   * For `node-down`: what its last manifest listed, which still holds. For `node-recovered`: the
   * same, which is gone now.
   */
  readonly locksOfNode: readonly LockView[];
}

/** What the event is about; of one subject, events are handled one after the other. */
export function subjectOf(event: ReactionEvent): string {
  if (event.lock !== null) return `lock ${event.lock.resource}`;
  if (event.node !== null) return `node ${event.node.id}`;
  return 'this node';
}
