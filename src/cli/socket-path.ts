import type { CliContext, CommonOptions } from './context.js';

/**
 * The daemon's socket: from --socket, then HOLDFAST_SOCKET, then the configuration file. The file
 * is read only when it is needed.
 *
 * @throws {ConfigError}
 */
export async function findSocketPath(
  context: CliContext,
  options: CommonOptions,
): Promise<string> {
  const { HOLDFAST_SOCKET: fromEnvironment = '' } = context.env;
  const named = options.socket ?? (fromEnvironment === '' ? null : fromEnvironment);
  if (named !== null) {
    return named;
  }
  const { loadConfig } = await import('../config/index.js');
  return (await loadConfig(options.config)).socketPath;
}
