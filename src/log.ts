import winston from 'winston';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** What belongs to a line besides its text. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** The daemon's log: one line each, to stderr. */
export interface DaemonLog {
  error(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  debug(message: string, facts?: LogFacts): void;
  log(level: LogLevel, message: string, facts?: LogFacts): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `json` for machines; `text` gets journald's priority prefix when systemd reads it. */
  readonly format: 'text' | 'json';
  /** Put before every line, to tell several coordinators of one process apart. */
  readonly label?: string;
}

/** syslog's numbers, as sd-daemon(3) wants them in `<N>` at the start of a line. */
const PRIORITY: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

export function openLog(options: LogOptions): DaemonLog {
  const logger = winston.createLogger({
    level: options.level,
    format: options.format === 'json' ? jsonLines() : textLines(options.label),
    transports: [new winston.transports.Stream({ stream: process.stderr })],
  });
  const write = (level: LogLevel, message: string, facts: LogFacts = {}): void => {
    logger.log(level, message, { facts });
  };
  return {
    error: (message, facts) => write('error', message, facts),
    warn: (message, facts) => write('warn', message, facts),
    info: (message, facts) => write('info', message, facts),
    debug: (message, facts) => write('debug', message, facts),
    log: write,
  };
}

function jsonLines(): winston.Logform.Format {
  return winston.format.combine(winston.format.timestamp(), winston.format.json());
}

function textLines(label: string | undefined): winston.Logform.Format {
  const underSystemd = process.env['JOURNAL_STREAM'] !== undefined;
  const name = label === undefined ? '' : `${label}: `;
  return winston.format.printf(({ level, message, facts }) => {
    const text = `${name}${oneLine(String(message))}${factsText(facts)}`;
    if (underSystemd) return `<${PRIORITY[level] ?? 6}>${text}`;
    return `${new Date().toISOString()} ${level.padEnd(5)} ${text}`;
  });
}

/**
 * Other programs' words and the network's are in these texts: a line end would make a second
 * line without a priority, and a control character could rewrite a terminal.
 */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*[\r\n]+\s*/g, '; ').replaceAll(/\p{Cc}/gu, '?');
}

function factsText(facts: unknown): string {
  const isEmpty = typeof facts !== 'object' || facts === null || Object.keys(facts).length === 0;
  return isEmpty ? '' : ` ${JSON.stringify(facts)}`;
}
