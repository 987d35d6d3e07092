export { startControlServer, type ControlServer, type ControlServerOptions } from './server.js';
export { ControlError, RefusedError, type ControlErrorCode, type RefusalCode } from './error.js';
export type { ControlLog } from './log.js';
export { openControlClient, type ControlClient } from './client.js';
