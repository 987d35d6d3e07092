/**
 * The constants of quorum.h that we use, by their C names. What is exported here is checked
 * against the installed header, so nothing else may be exported.
 */

/** The model that tells who joined and who left. @see quorum_model_initialize(3) */
export const QUORUM_MODEL_V1 = 1;
