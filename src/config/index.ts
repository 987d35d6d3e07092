export { ConfigError, type ConfigErrorCode, type ConfigProblem } from './error.js';
export { loadConfig } from './load.js';
export { parseConfig } from './parse.js';
export type { Reaction, ReactionEventName } from './reaction.js';
export { CONFIG_PATH_DEFAULT, SOCKET_PATH_DEFAULT, type Config } from './schema.js';
