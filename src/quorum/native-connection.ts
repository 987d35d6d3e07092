import { CS_DISPATCH_ALL, CS_TRACK_CHANGES, CS_TRACK_CURRENT } from '../native/corotypes.js';
import { offThread } from '../native/off-thread.js';
import type { NativePoll } from '../native/poll.js';
import type { QuorumConnection, QuorumEvent } from './connection.js';
import { QUORUM_MODEL_V1 } from './constants.js';
import type { NativeCallbacks, NativeRingId, QuorumHandle, QuorumLibrary } from './library.js';
import { check } from './status.js';

/**
 * Connects to this node's corosync. Rejects with QuorumError; nothing is left behind then.
 * @see quorum_model_initialize(3)
 */
export async function connectQuorum(library: QuorumLibrary): Promise<QuorumConnection> {
  const events: QuorumEvent[] = [];
  const callbacks = library.register(callbacksInto(library, events));
  const model = {
    model: QUORUM_MODEL_V1,
    quorum_notify_fn: callbacks.quorumNotify,
    nodelist_notify_fn: callbacks.nodelistNotify,
  };
  const handle: [QuorumHandle | null] = [null];
  try {
    const status = await offThread(
      library.quorum_model_initialize, handle, QUORUM_MODEL_V1, model, [0], null,
    );
    check('quorum_model_initialize', status);
  } catch (thrown) {
    callbacks.release();
    throw thrown;
  }
  const open = handle[0] as QuorumHandle;
  const finalize = async (): Promise<void> => {
    // A dead corosync answers CS_ERR_LIBRARY; the library frees its side all the same.
    await offThread(library.quorum_finalize, open);
    setImmediate(() => callbacks.release());
  };
  const fd: [number] = [-1];
  try {
    check('quorum_fd_get', library.quorum_fd_get(open, fd));
  } catch (thrown) {
    await finalize();
    throw thrown;
  }
  return new NativeConnection(library, open, fd[0], events, finalize);
}

class NativeConnection implements QuorumConnection {
  #poll: NativePoll | null = null;
  /** The request under way off the main thread, if any: closing must not overtake it. */
  #request: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(
    private readonly library: QuorumLibrary,
    private readonly handle: QuorumHandle,
    private readonly fd: number,
    private readonly events: QuorumEvent[],
    private readonly finalize: () => Promise<void>,
  ) {}

  track(): Promise<number> {
    const flags = CS_TRACK_CURRENT | CS_TRACK_CHANGES;
    const request = offThread(this.library.quorum_trackstart, this.handle, flags);
    this.#request = request;
    return request;
  }

  watch(readable: () => void): void {
    this.#poll = this.library.poll(this.fd, readable);
  }

  dispatch(): number {
    return this.library.quorum_dispatch(this.handle, CS_DISPATCH_ALL);
  }

  take(): readonly QuorumEvent[] {
    return this.events.splice(0);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Poll first: uv_poll aborts the process on a descriptor that finalize has closed. */
  async #close(): Promise<void> {
    this.#poll?.close();
    await this.#request;
    await this.finalize();
  }
}

/** Callbacks only copy and enqueue: after one throw koffi skips every later callback. */
function callbacksInto(library: QuorumLibrary, events: QuorumEvent[]): NativeCallbacks {
  const enqueue = (read: () => QuorumEvent): void => {
    try {
      events.push(read());
    } catch (cause) {
      events.push({ kind: 'broken', cause });
    }
  };
  const ringOf = ({ nodeid, seq }: NativeRingId) => ({ nodeId: nodeid, seq: BigInt(seq) });
  const nodeIdsOf = (from: Parameters<QuorumLibrary['decodeNodeIds']>[0], count: number) =>
    [...library.decodeNodeIds(from, count)].sort((a, b) => a - b);
  return {
    quorumNotify: (_handle, quorate, ring, memberCount, members) =>
      enqueue(() => ({
        kind: 'quorum',
        state: {
          quorate: quorate !== 0, ring: ringOf(ring), nodeIds: nodeIdsOf(members, memberCount),
        },
      })),
    nodelistNotify: (_handle, ring, memberCount, members, joinedCount, joined, leftCount, left) =>
      enqueue(() => ({
        kind: 'nodelist',
        change: {
          ring: ringOf(ring),
          members: nodeIdsOf(members, memberCount),
          joined: nodeIdsOf(joined, joinedCount),
          left: nodeIdsOf(left, leftCount),
        },
      })),
  };
}
