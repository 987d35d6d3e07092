import type { ControlClient } from '../control/client.js';
import type { CliContext, CommonOptions } from './context.js';
import { findSocketPath } from './socket-path.js';

/** A client of the daemon that the options name. Loads the client's code only now. */
export async function openClient(
  context: CliContext,
  options: CommonOptions,
): Promise<ControlClient> {
  const { openControlClient } = await import('../control/client.js');
  return openControlClient({ socketPath: await findSocketPath(context, options) });
}
