import type { ControlErrorCode, RefusalCode } from '../control/error.js';
import type { ListErrorCode } from '../coordinator/list/index.js';

/** What the command's exit status says; stable across versions. */
export const EXIT = {
  OK: 0,
  /** Somebody else holds the lock or the lock list; or a stop is refused as locks are held. */
  HELD: 1,
  /** The command line or the configuration is wrong. */
  USAGE: 2,
  /** The daemon cannot be asked. */
  UNREACHABLE: 3,
  /** The lock was not granted in time. */
  TIMED_OUT: 4,
  /** This node cannot vouch for locks, or not list new ones, just now. */
  NOT_VOUCHING: 5,
  /** Nothing to release, or it is another owner's. */
  NOT_HELD: 6,
  OTHER: 7,
  /** `list check` found damage. */
  DAMAGED: 8,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `
Exit status:
  0  done
  1  refused: somebody else holds the lock, or a stop because locks are held
  2  the command line or the configuration is wrong
  3  the daemon does not run or cannot be reached
  4  the lock was not granted in time
  5  this node takes no locks now (no quorum, recovering, isolated, starting, or its
     lock list cannot be written)
  6  held by another owner, or by this one on another node; no such orphan here
  7  anything else
  8  \`list check\` found damage

\`holdfast run\` passes on the status of its command: 128+N when signal N killed it,
126 when it cannot be executed, 127 when it is not found. Before the command has
started, 1 to 7 as above; --conflict-exit-code sets another one for 1 and 4.
`;

/** The exit status for each way in which the daemon can say no. */
export const REFUSAL_EXIT: Readonly<Record<RefusalCode | 'UNKNOWN', ExitCode>> = {
  HELD: EXIT.HELD,
  DEADLOCK: EXIT.HELD,
  TIMEOUT: EXIT.TIMED_OUT,
  STARTING: EXIT.NOT_VOUCHING,
  NO_QUORUM: EXIT.NOT_VOUCHING,
  RECOVERING: EXIT.NOT_VOUCHING,
  ISOLATED: EXIT.NOT_VOUCHING,
  NOT_HELD: EXIT.NOT_HELD,
  NOT_OWNER: EXIT.NOT_HELD,
  BAD_NAME: EXIT.USAGE,
  BAD_REQUEST: EXIT.USAGE,
  STOPPING: EXIT.UNREACHABLE,
  CANCELED: EXIT.OTHER,
  BUSY: EXIT.OTHER,
  LIST_FAILED: EXIT.NOT_VOUCHING,
  LOCKS_HELD: EXIT.HELD,
  UNSAFE: EXIT.OTHER,
  HANDOVER: EXIT.HELD,
  NOT_OFFERED: EXIT.TIMED_OUT,
  NOT_JOINED: EXIT.TIMED_OUT,
  NO_SUCH_NODE: EXIT.NOT_HELD,
  MODE_RESERVED: EXIT.USAGE,
  OWNER_GONE: EXIT.OTHER,
  LIMIT: EXIT.OTHER,
  LOCK_MANAGER: EXIT.OTHER,
  NOT_FOUND: EXIT.OTHER,
  INTERNAL: EXIT.OTHER,
  UNKNOWN: EXIT.OTHER,
};

/** The exit status for each way in which the daemon cannot be asked. */
export const CONTROL_EXIT: Readonly<Record<ControlErrorCode, ExitCode>> = {
  DAEMON_NOT_RUNNING: EXIT.UNREACHABLE,
  NO_PERMISSION: EXIT.UNREACHABLE,
  TIMEOUT: EXIT.UNREACHABLE,
  CONNECTION_LOST: EXIT.UNREACHABLE,
  WATCH_ENDED: EXIT.UNREACHABLE,
  BAD_REPLY: EXIT.OTHER,
  CANCELED: EXIT.OTHER,
  SOCKET_IN_USE: EXIT.OTHER,
  SOCKET_TAKEN: EXIT.OTHER,
  SOCKET_NO_PERMISSION: EXIT.OTHER,
  SOCKET_FAILED: EXIT.OTHER,
};

/** The exit status for each way in which a list file cannot be checked or repaired. */
export const LIST_EXIT: Readonly<Record<ListErrorCode, ExitCode>> = {
  IN_USE: EXIT.HELD,
  BAD_HEADER: EXIT.USAGE,
  NO_SPACE: EXIT.OTHER,
  WRITE_FAILED: EXIT.OTHER,
  CLAIM_FAILED: EXIT.OTHER,
  NEWER_VERSION: EXIT.OTHER,
  READ_FAILED: EXIT.OTHER,
  BAD_RECORD: EXIT.OTHER,
  LIMIT: EXIT.OTHER,
  CLOSED: EXIT.OTHER,
};
