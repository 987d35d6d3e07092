import type { CpgConnectionListener, CpgEvent } from './connection.js';
import type { CpgLibrary, NativeCallbacks } from './library.js';
import { MemberTable } from './member-table.js';
import { reasonOf } from './reason.js';

/** Where the callbacks leave what they were told. */
export interface Inbox {
  readonly events: CpgEvent[];
  kept: CpgConnectionListener['kept'];
}

/** What of the library reads C memory within a callback. */
export type CallbackReader = Pick<CpgLibrary, 'decodeAddresses' | 'decodeNodeIds' | 'window'>;

/**
 * The functions that libcpg calls. They only copy and enqueue, and never throw: after one throw
 * koffi skips every later callback. What cannot be read becomes a `broken` event.
 */
export function callbacksInto(library: CallbackReader, inbox: Inbox): NativeCallbacks {
  const { events } = inbox;
  const { window } = library;
  const enqueue = (read: () => CpgEvent): void => {
    try {
      events.push(read());
    } catch (cause) {
      events.push({ kind: 'broken', cause });
    }
  };
  const senders = new MemberTable();
  const changes = (from: Parameters<CpgLibrary['decodeAddresses']>[0], count: number) =>
    library.decodeAddresses(from, count).map(({ nodeid, pid, reason }) => ({
      nodeId: nodeid, pid, reason: reasonOf(reason),
    }));
  return {
    deliver(_handle, _group, nodeId, pid, msg, bytes) {
      try {
        const from = senders.get(nodeId, pid);
        const seen = window.look(msg, bytes);
        const own = seen === null ? null : inbox.kept(from, seen);
        events.push({ kind: 'message', from, payload: own ?? window.copy(msg, bytes) });
      } catch (cause) {
        events.push({ kind: 'broken', cause });
      }
    },
    confchg: (_handle, _group, members, memberCount, left, leftCount, joined, joinedCount) =>
      enqueue(() => ({
        kind: 'view',
        view: {
          members: library.decodeAddresses(members, memberCount)
            .map(({ nodeid, pid }) => ({ nodeId: nodeid, pid })),
          left: changes(left, leftCount),
          joined: changes(joined, joinedCount),
        },
      })),
    totemConfchg: (_handle, ring, count, nodeIds) =>
      enqueue(() => ({
        kind: 'ring',
        ring: { nodeId: ring.nodeid, seq: BigInt(ring.seq) },
        nodeIds: library.decodeNodeIds(nodeIds, count),
      })),
  };
}
