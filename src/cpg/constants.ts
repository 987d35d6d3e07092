/** Success of every call. @see corotypes.h, cs_error_t */
export const CS_OK = 1;
/** The service is away: corosync does not run, or died under an open connection. */
export const CS_ERR_LIBRARY = 2;
export const CS_ERR_TIMEOUT = 5;
/** Busy now: corosync starts, a ring forms, or a buffer is full. */
export const CS_ERR_TRY_AGAIN = 6;
export const CS_ERR_INVALID_PARAM = 7;
export const CS_ERR_NO_MEMORY = 8;
export const CS_ERR_BAD_HANDLE = 9;
export const CS_ERR_BUSY = 10;
export const CS_ERR_ACCESS = 11;
export const CS_ERR_NOT_EXIST = 12;
export const CS_ERR_NAME_TOO_LONG = 13;
export const CS_ERR_EXIST = 14;
export const CS_ERR_INTERRUPT = 16;
export const CS_ERR_NOT_SUPPORTED = 19;
export const CS_ERR_TOO_BIG = 26;

/** Hands over at most one event and never waits. @see corotypes.h, cs_dispatch_flags_t */
export const CS_DISPATCH_ONE_NONBLOCKING = 4;

/** Total order; the library's SAFE is not implemented and is sent like this. */
export const CPG_TYPE_AGREED = 2;
export const CPG_MODEL_V1 = 1;
export const CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF = 0x01;
/** Longest group name, in bytes. */
export const CPG_MAX_NAME_LENGTH = 128;

export const CPG_REASON_UNDEFINED = 0;
export const CPG_REASON_JOIN = 1;
export const CPG_REASON_LEAVE = 2;
export const CPG_REASON_NODEDOWN = 3;
export const CPG_REASON_NODEUP = 4;
export const CPG_REASON_PROCDOWN = 5;
