import { HoldfastError, type ErrorFacts } from '../errors.js';

/**
 * Why the configuration cannot be used.
 *
 * - `NOT_FOUND`: the named file does not exist. `UNREADABLE`: it cannot be read.
 * - `SYNTAX`: it is not TOML. `INVALID`: it is, but says what Holdfast does not understand.
 */
export type ConfigErrorCode = 'NOT_FOUND' | 'UNREADABLE' | 'SYNTAX' | 'INVALID';

/** One thing that is wrong in a configuration file. */
export interface ConfigProblem {
  /** The key as it is written in the file; null when the trouble is not with one key. */
  readonly key: string | null;
  /** Counted from 1; null when it is not known. */
  readonly line: number | null;
  /** What the file says there. */
  readonly found: string;
  /** What it may say instead. */
  readonly allowed: string;
  /** The known key that looks most like an unknown one. */
  readonly nearestKey: string | null;
  /** What to do. */
  readonly remedy: string;
}

/** The configuration is unusable; `problems` lists everything wrong with it, not only the first. */
export class ConfigError extends HoldfastError {
  readonly code: ConfigErrorCode;
  readonly path: string;
  readonly problems: readonly ConfigProblem[];

  constructor(
    code: ConfigErrorCode,
    path: string,
    problems: readonly ConfigProblem[],
    facts: ErrorFacts = {},
  ) {
    super(problems.map((problem) => describeProblem(path, problem)).join('\n'), facts);
    this.code = code;
    this.path = path;
    this.problems = problems;
  }
}

function describeProblem(path: string, problem: ConfigProblem): string {
  const place = problem.line === null ? path : `${path}:${problem.line}`;
  const subject = problem.key === null ? problem.found : `${problem.key}: ${problem.found}`;
  const hint = problem.nearestKey === null ? '' : ` Did you mean ${problem.nearestKey}?`;
  return `${place}: ${subject}; allowed: ${problem.allowed}.${hint} ${problem.remedy}`;
}
