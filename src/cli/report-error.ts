import { HoldfastError, messageOf } from '../errors.js';
import type { LockView } from '../control/schema.js';
import { CliError } from './cli-error.js';
import type { CliContext, CommonOptions } from './context.js';
import { CONTROL_EXIT, EXIT, LIST_EXIT, REFUSAL_EXIT } from './exit-code.js';
import { printableLines } from './text.js';

interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly holders: readonly LockView[];
  readonly exitCode: number;
}

/**
 * Tells the user what went wrong: on standard error in words, or with --json as one document on
 * standard output.
 *
 * @returns the exit status that says the same
 */
export async function reportError(
  thrown: unknown,
  context: CliContext,
  options: CommonOptions,
): Promise<number> {
  const report = await describeError(thrown);
  const { exitCode, ...error } = report;
  if (options.json) {
    context.stdout.write(`${JSON.stringify({ error: { ...error, exitCode } })}\n`);
    return exitCode;
  }
  context.stderr.write(`holdfast: ${printableLines(report.message)}\n`);
  if (report.holders.length > 0) {
    const { renderLocks } = await import('./lock-table.js');
    context.stderr.write(renderLocks(report.holders, context.now()));
  }
  return exitCode;
}

async function describeError(thrown: unknown): Promise<ErrorReport> {
  const base = { message: messageOf(thrown), holders: [] };
  if (!(thrown instanceof HoldfastError)) {
    return { ...base, code: 'BUG', retryable: false, exitCode: EXIT.OTHER };
  }
  const { code, retryable } = thrown;
  if (thrown instanceof CliError) {
    return { ...base, code, retryable, exitCode: thrown.exitCode };
  }
  const { ControlError, RefusedError } = await import('../control/error.js');
  if (thrown instanceof RefusedError) {
    const { ConflictError } = await import('./conflict-error.js');
    const { holders, serverCode } = thrown;
    const exitCode = thrown instanceof ConflictError
      ? thrown.exitCode
      : REFUSAL_EXIT[thrown.code];
    return { ...base, code: serverCode, retryable, holders, exitCode };
  }
  if (thrown instanceof ControlError) {
    return { ...base, code, retryable, exitCode: CONTROL_EXIT[thrown.code] };
  }
  const { ListError } = await import('../coordinator/list/error.js');
  if (thrown instanceof ListError) {
    return { ...base, code, retryable, exitCode: LIST_EXIT[thrown.code] };
  }
  const { ConfigError } = await import('../config/error.js');
  const exitCode = thrown instanceof ConfigError ? EXIT.USAGE : EXIT.OTHER;
  return { ...base, code, retryable, exitCode };
}
