export { chunkManifest } from './chunk.js';
export { decode, encode } from './codec.js';
export { WireError, type WireErrorCode } from './error.js';
export { MESSAGE_BYTES_MAX, SNAPSHOT_BYTES_MAX } from './limits.js';
