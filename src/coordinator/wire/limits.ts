/** A message's most bytes: CPG takes 1,047,552 in one piece and falls to pieces beyond. */
export const MESSAGE_BYTES_MAX = 1_000_000;
/** Where a manifest is split: far below, so that other traffic gets its turn in between. */
export const SNAPSHOT_BYTES_MAX = 512 * 1024;
/** Entries of one snapshot or delta, and ids that one delta removes. */
export const ENTRIES_MAX = 16_384;
export const REMOVED_MAX = 65_536;
export const PARTS_MAX = 65_536;

/** Bytes of UTF-8. */
export const NODE_NAME_BYTES_MAX = 255;
export const BOOT_ID_BYTES_MAX = 64;
export const VERSION_BYTES_MAX = 64;
export const DIGEST_BYTES_MAX = 128;
export const VIEW_BYTES_MAX = 64;
export const LOCKSPACE_BYTES_MAX = 64;
export const RESOURCE_BYTES_MAX = 1024;
export const OWNER_NAME_BYTES_MAX = 256;
/** An incarnation and two numbers. */
export const HANDOVER_ID_BYTES_MAX = 96;

export const INCARNATION_BYTES = 16;
export const NODE_ID_MAX = 0xffff_ffff;
/** Linux's PID_MAX_LIMIT is 2^22. */
export const PID_MAX = 0x7fff_ffff;
