export * from './error.js';
export type * from './port.js';
