/** Success of every call. @see corotypes.h, cs_error_t */
export const CS_OK = 1;
/** The service is away: corosync does not run, or died under an open connection. */
export const CS_ERR_LIBRARY = 2;
/** Busy now: corosync starts, or nothing is to be dispatched. */
export const CS_ERR_TRY_AGAIN = 6;
export const CS_ERR_INVALID_PARAM = 7;
export const CS_ERR_NO_MEMORY = 8;
export const CS_ERR_BAD_HANDLE = 9;
export const CS_ERR_ACCESS = 11;
export const CS_ERR_NOT_EXIST = 12;
export const CS_ERR_NOT_SUPPORTED = 19;

/** Hands over everything there is and never waits. @see corotypes.h, cs_dispatch_flags_t */
export const CS_DISPATCH_ALL = 2;

export const CS_TRACK_CURRENT = 0x01;
export const CS_TRACK_CHANGES = 0x02;

/** The model that tells who joined and who left. @see quorum_model_initialize(3) */
export const QUORUM_MODEL_V1 = 1;
