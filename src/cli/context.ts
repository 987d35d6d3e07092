/** Where a command writes; a part of Writable, so that tests can collect text. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** What surrounds a command; in a test, not the real process. */
export interface CliContext {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: NodeJS.ProcessEnv;
  /** Wall-clock time in ms since the epoch, for "3 minutes ago". */
  readonly now: () => number;
  /** Calls back for these signals to this process, until the returned function is called. */
  readonly onSignal: (
    signals: readonly NodeJS.Signals[],
    listener: (signal: NodeJS.Signals) => void,
  ) => () => void;
}

/** The options that every command takes. */
export interface CommonOptions {
  readonly socket: string | null;
  readonly config: string | null;
  readonly json: boolean;
  readonly color: boolean;
}

/** Options without colour when nobody looks, when NO_COLOR is set, or when told so. */
export function wantsColor(context: CliContext, options: CommonOptions): boolean {
  const { NO_COLOR: noColor = '' } = context.env;
  return options.color && noColor === '' && context.stdout.isTTY === true;
}
