import {
  CS_DISPATCH_ALL, CS_ERR_BAD_HANDLE, CS_TRACK_CHANGES, CS_TRACK_CURRENT,
} from '../native/corotypes.js';
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
  const { lane } = library;
  const handle: [QuorumHandle | null] = [null];
  try {
    const status = await lane.run(() => offThread(
      library.quorum_model_initialize, handle, QUORUM_MODEL_V1, model, [0], null,
    ));
    check('quorum_model_initialize', status);
  } catch (thrown) {
    callbacks.release();
    throw thrown;
  }
  const open = handle[0] as QuorumHandle;
  const finalize = async (): Promise<void> => {
    // A dead corosync answers CS_ERR_LIBRARY; the library frees its side all the same.
    await lane.run(() => offThread(library.quorum_finalize, open));
    setImmediate(() => callbacks.release());
  };
  const fd: [number] = [-1];
  try {
    check('quorum_fd_get', await lane.run(() => library.quorum_fd_get(open, fd)));
  } catch (thrown) {
    await finalize();
    throw thrown;
  }
  return new NativeConnection(library, open, fd[0], events, finalize);
}

class NativeConnection implements QuorumConnection {
  #poll: NativePoll | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    private readonly library: QuorumLibrary,
    private readonly handle: QuorumHandle,
    private readonly fd: number,
    private readonly events: QuorumEvent[],
    private readonly finalize: () => Promise<void>,
  ) {}

  track(): Promise<number> {
    const { lane, quorum_trackstart } = this.library;
    const flags = CS_TRACK_CURRENT | CS_TRACK_CHANGES;
    return lane.run(() => this.#call(() => offThread(quorum_trackstart, this.handle, flags)));
  }

  untrack(): Promise<number> {
    const { lane, quorum_trackstop } = this.library;
    return lane.run(() => this.#call(() => offThread(quorum_trackstop, this.handle)));
  }

  async quorate(): Promise<{ readonly status: number; readonly quorate: boolean }> {
    const { lane, quorum_getquorate } = this.library;
    const quorate: [number] = [0];
    const status = await lane.run(() =>
      this.#call(() => offThread(quorum_getquorate, this.handle, quorate)));
    return { status, quorate: quorate[0] !== 0 };
  }

  watch(readable: () => void, failed: (cause: unknown) => void): void {
    const poll = this.library.poll(this.fd, () => {
      // Level-triggered: it would fire in every turn until the lane comes to the dispatching.
      poll.stop();
      this.library.lane.run(() => {
        if (this.#closing === null) readable();
      }).then(() => poll.start()).catch(failed);
    });
    this.#poll = poll;
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
    await this.finalize();
  }

  /** Nothing is asked of a handle that is, or is about to be, finalized. */
  #call(call: () => Promise<number>): Promise<number> {
    return this.#closing === null ? call() : Promise.resolve(CS_ERR_BAD_HANDLE);
  }
}

/** Callbacks only copy and enqueue: after one throw koffi skips every later callback. */
export function callbacksInto(
  library: Pick<QuorumLibrary, 'decodeNodeIds'>, events: QuorumEvent[],
): NativeCallbacks {
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
