export type * from './port.js';
export { CHANNEL_LIMITS, type ChannelLimits } from './limits.js';
export { openChannel, type ChannelOptions } from './open.js';
