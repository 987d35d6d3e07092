import type { RefusalCode } from './error.js';

/** The HTTP status of each refusal. Clients tell refusals apart by `code`, not by this. */
export const HTTP_STATUS: Readonly<Record<RefusalCode, number>> = {
  BAD_REQUEST: 400,
  NOT_FOUND: 404,
  INTERNAL: 500,

  BAD_NAME: 422,
  HELD: 409,
  BUSY: 409,
  DEADLOCK: 409,
  LOCKS_HELD: 409,
  HANDOVER: 409,
  NOT_OFFERED: 409,
  NOT_JOINED: 409,
  NO_SUCH_NODE: 404,
  MODE_RESERVED: 422,
  NOT_OWNER: 403,
  NOT_HELD: 404,
  OWNER_GONE: 410,
  LIMIT: 429,
  /** As nginx has it: the client closed the connection, so nobody reads this. */
  CANCELED: 499,
  TIMEOUT: 504,

  STARTING: 503,
  NO_QUORUM: 503,
  RECOVERING: 503,
  ISOLATED: 503,
  STOPPING: 503,
  LOCK_MANAGER: 502,
  LIST_FAILED: 507,
  /** Nobody is answered this: the daemon ends with it at its start. */
  UNSAFE: 500,
};
