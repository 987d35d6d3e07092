/**
 * The constants of corotypes.h, by their C names; all of cs_error_t. What is exported here is
 * checked against the installed header, so nothing else may be exported.
 */

/** Success of every call. @see corotypes.h, cs_error_t */
export const CS_OK = 1;
/** The service is away: corosync does not run, or died under an open connection. */
export const CS_ERR_LIBRARY = 2;
export const CS_ERR_VERSION = 3;
export const CS_ERR_INIT = 4;
export const CS_ERR_TIMEOUT = 5;
/** Busy now: corosync starts, a ring forms, a buffer is full, or nothing is to be dispatched. */
export const CS_ERR_TRY_AGAIN = 6;
export const CS_ERR_INVALID_PARAM = 7;
export const CS_ERR_NO_MEMORY = 8;
export const CS_ERR_BAD_HANDLE = 9;
export const CS_ERR_BUSY = 10;
export const CS_ERR_ACCESS = 11;
export const CS_ERR_NOT_EXIST = 12;
export const CS_ERR_NAME_TOO_LONG = 13;
export const CS_ERR_EXIST = 14;
export const CS_ERR_NO_SPACE = 15;
export const CS_ERR_INTERRUPT = 16;
export const CS_ERR_NAME_NOT_FOUND = 17;
export const CS_ERR_NO_RESOURCES = 18;
export const CS_ERR_NOT_SUPPORTED = 19;
export const CS_ERR_BAD_OPERATION = 20;
export const CS_ERR_FAILED_OPERATION = 21;
export const CS_ERR_MESSAGE_ERROR = 22;
export const CS_ERR_QUEUE_FULL = 23;
export const CS_ERR_QUEUE_NOT_AVAILABLE = 24;
export const CS_ERR_BAD_FLAGS = 25;
export const CS_ERR_TOO_BIG = 26;
/** An iteration has come to its end. */
export const CS_ERR_NO_SECTIONS = 27;
export const CS_ERR_CONTEXT_NOT_FOUND = 28;
export const CS_ERR_TOO_MANY_GROUPS = 30;
export const CS_ERR_SECURITY = 100;

/** Hands over everything there is and never waits. @see corotypes.h, cs_dispatch_flags_t */
export const CS_DISPATCH_ALL = 2;
/** Hands over at most one event and never waits. */
export const CS_DISPATCH_ONE_NONBLOCKING = 4;

/** Tell the present state. */
export const CS_TRACK_CURRENT = 0x01;
/** Tell every change with the whole list. */
export const CS_TRACK_CHANGES = 0x02;
/** Tell every change with the changed entries only. */
export const CS_TRACK_CHANGES_ONLY = 0x04;
