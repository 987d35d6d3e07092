import type { Koffi } from './koffi.js';

/**
 * A descriptor that is being watched. Whoever watches must keep it referenced: an unreferenced
 * one is collected, and the watching stops silently. It keeps the process alive until `close`.
 */
export interface NativePoll {
  stop(): void;
  start(): void;
  /** Comes before the descriptor is closed: libuv aborts the process on a closed one. */
  close(): void;
}

/**
 * Watches a descriptor for readability and hang-up, level-triggered.
 *
 * The descriptor must be open, pollable and not watched already: anything else aborts the
 * process. `readable` must not throw: the watching would end silently. After `close`, koffi would
 * crash the process upon any call, so this one ignores them.
 */
export function startPoll(koffi: Koffi, fd: number, readable: () => void): NativePoll {
  const events = { readable: true, disconnect: true };
  // The real arguments are (status, events), unlike the declaration; none is needed: whatever
  // happened, the library's dispatch says it.
  const handle = koffi.node.poll(fd, events, readable);
  let open = true;
  polls += 1;
  return {
    stop() {
      if (open) handle.stop();
    },
    start() {
      if (open) handle.start(events, readable);
    },
    close() {
      if (!open) return;
      open = false;
      polls -= 1;
      handle.close();
    },
  };
}

/** How many descriptors are being watched in this process; for tests of what is left over. */
export function openPolls(): number {
  return polls;
}

let polls = 0;
