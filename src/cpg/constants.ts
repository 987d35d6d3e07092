/**
 * The constants of cpg.h that we use, by their C names. What is exported here is checked against
 * the installed header, so nothing else may be exported.
 */

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
