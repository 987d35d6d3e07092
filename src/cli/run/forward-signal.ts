import { readProcessStat } from '../process-stat.js';

/** The signals that ask a command to end; while one runs, they are for it and not for us. */
export const FORWARDED_SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const satisfies
  readonly NodeJS.Signals[];

/**
 * Passes a signal on to `pid`. What is typed at a terminal goes to the whole foreground group, so
 * the command has it already; a second one would mean "at once" to many programs.
 */
export async function forwardSignal(pid: number, signal: NodeJS.Signals): Promise<void> {
  const typed = signal === 'SIGINT' || signal === 'SIGQUIT';
  if (typed && await isInForeground()) {
    return;
  }
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}

async function isInForeground(): Promise<boolean> {
  const { group, foregroundGroup } = await readProcessStat('self');
  return group === foregroundGroup;
}
