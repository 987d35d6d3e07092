import type { ReactionEventName } from '../config/index.js';
import type { Owner } from '../coordinator/core/owner.js';
import type {
  CoordinatorEvent, LockState, LockView, NodeView, Standing, StatusView,
} from '../coordinator/core/view.js';
import type { ReactionEvent } from './event.js';

/** What the source must know beyond the events themselves. */
export interface Knowledge {
  /** Looks through all locks: asked only when there is news. */
  status(): StatusView;
  locks(): readonly LockView[];
  /** As `node.id` of its own locks says it, at this moment; 0 before corosync has told. */
  readonly nodeId: number;
}

/** Nodes whose last locks are remembered between their going and their recovery. */
const NODES_MAX = 256;

/**
 * Finds, in what a coordinator publishes, the news that reactions are for. An adopted lock was
 * held all the time, so it is not news; nor is a standing that only changes its words.
 */
export class EventSource {
  readonly #knowledge: Knowledge;
  /** The states of this node's locks, by resource and owner. */
  readonly #own = new Map<string, LockState>();
  /** Those of them that were told: they become orphaned and are adopted again with the child. */
  readonly #quarantined = new Set<string>();
  readonly #lastLocks = new Map<number, readonly LockView[]>();
  #isQuorate = true;
  #isIsolated = false;
  #count = 0;

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    // What an earlier run of the daemon held was published before anybody could listen.
    for (const { node, resource, owner, state } of knowledge.locks()) {
      if (!this.#isOwn(node.id)) continue;
      this.#own.set(keyOf(resource, owner), state);
      if (owner === null) this.#quarantined.add(keyOf(resource, owner));
    }
  }

  /** The news in one event, oldest first; most have none. */
  read(event: CoordinatorEvent): readonly ReactionEvent[] {
    switch (event.type) {
      case 'node':
        return this.#readNode(event.at, event.node);
      case 'lock':
        return this.#readLock(event.at, event.lock, event.gone);
      case 'standing':
        return this.#readStanding(event.at, event.standing);
      default:
        return event satisfies never;
    }
  }

  #readNode(at: string, node: NodeView): readonly ReactionEvent[] {
    if (node.state === 'node-down') {
      const locks = this.#knowledge.locks().filter((lock) => lock.node.id === node.id);
      if (this.#lastLocks.size < NODES_MAX) this.#lastLocks.set(node.id, locks);
      return [this.#make('node-down', at, { node, locksOfNode: locks })];
    }
    if (node.state !== 'recovered') {
      if (node.state === 'synced') this.#lastLocks.delete(node.id);
      return [];
    }
    const locksOfNode = this.#lastLocks.get(node.id) ?? [];
    this.#lastLocks.delete(node.id);
    return [this.#make('node-recovered', at, { node, locksOfNode })];
  }

  #readLock(at: string, lock: LockView, gone: boolean): readonly ReactionEvent[] {
    if (!this.#isOwn(lock.node.id)) return [];
    const key = keyOf(lock.resource, lock.owner);
    const before = this.#own.get(key);
    if (gone) {
      this.#own.delete(key);
      this.#quarantined.delete(key);
    } else this.#own.set(key, lock.state);
    if (lock.state === 'lost') return [this.#make('lock-lost', at, { lock })];
    if (gone) return [];
    const wasHeld = before === 'held' || before === 'orphaned' || before === 'releasing';
    if (lock.state === 'held' && !wasHeld) return [this.#make('lock-granted', at, { lock })];
    if (lock.state !== 'quarantined' || this.#quarantined.has(key)) return [];
    this.#quarantined.add(key);
    return [this.#make('orphan-found', at, { lock })];
  }

  /** Before corosync has told our number, our own locks have 0, and there are no others. */
  #isOwn(nodeId: number): boolean {
    return nodeId === 0 || nodeId === this.#knowledge.nodeId;
  }

  #readStanding(at: string, standing: Standing): readonly ReactionEvent[] {
    const found: ReactionEvent[] = [];
    const wasIsolated = this.#isIsolated;
    this.#isIsolated = standing.kind === 'isolated';
    if (this.#isIsolated && !wasIsolated) found.push(this.#make('isolated', at, { standing }));
    // What cannot be known while isolated or starting changes nothing.
    const isQuorate = standing.kind === 'ok' || standing.kind === 'recovering'
      ? true : standing.kind === 'no-quorum' ? false : this.#isQuorate;
    if (isQuorate !== this.#isQuorate) {
      this.#isQuorate = isQuorate;
      const name = isQuorate ? 'quorum-regained' : 'quorum-lost';
      found.push(this.#make(name, at, { standing }));
    }
    return found;
  }

  #make(
    event: ReactionEventName,
    at: string,
    facts: Partial<Pick<ReactionEvent, 'node' | 'lock' | 'locksOfNode' | 'standing'>>,
  ): ReactionEvent {
    const status = this.#knowledge.status();
    this.#count += 1;
    const id = `${status.incarnation}-${this.#count}`;
    const { standing, node: onNode } = status;
    return { id, event, at, onNode, standing, node: null, lock: null, locksOfNode: [], ...facts };
  }
}

function keyOf(resource: string, owner: Owner | null): string {
  return JSON.stringify([resource, owner]);
}
