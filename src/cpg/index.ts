export * from './error.js';
export type * from './port.js';
export { loadCpgLibrary } from './native.js';
export { openCpg } from './open.js';
export * from './channel/index.js';
