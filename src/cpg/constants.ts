/**
 * The constants of cpg.h that we use, by their C names. What is exported here is checked against
 * the installed header, so nothing else may be exported.
 */

/** Whatever the guarantee, corosync sends in total order. @see cpg_guarantee_t */
export const CPG_TYPE_UNORDERED = 0;
export const CPG_TYPE_FIFO = 1;
export const CPG_TYPE_AGREED = 2;
export const CPG_TYPE_SAFE = 3;
export const CPG_FLOW_CONTROL_DISABLED = 0;
export const CPG_FLOW_CONTROL_ENABLED = 1;
/** What an iteration goes through. @see cpg_iteration_type_t */
export const CPG_ITERATION_NAME_ONLY = 1;
export const CPG_ITERATION_ONE_GROUP = 2;
export const CPG_ITERATION_ALL = 3;
/** Most members of one group; corosync does not check it. */
export const CPG_MEMBERS_MAX = 128;
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
