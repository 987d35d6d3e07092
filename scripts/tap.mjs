// Reads ava's TAP output line by line. Pure: no process, no file.

/**
 * @typedef {object} TapCount
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped tests marked as skipped or to do
 */

/** Of one failed test so many lines are told again at the end. */
export const RETOLD_LINES_MAX = 30;
/** So many failed tests of a level are told again at the end. */
export const RETOLD_TESTS_MAX = 20;

/** Counts test points and turns them into lines for a terminal. */
export class TapReader {
  /** @type {TapCount} */
  count = { passed: 0, failed: 0, skipped: 0 };

  /**
   * What was shown of each failed test, to be told again where a cut log still shows it.
   *
   * @type {string[][]}
   */
  failures = [];

  #failing = false;

  /**
   * @param {string} line without its newline
   * @returns {string | null} what to show; null for lines that only machines need
   */
  read(line) {
    const point = /^(not )?ok\b(?: \d+)?(?: - )?(.*)$/.exec(line);
    if (point !== null) return this.#point(point[1] !== undefined, point[2] ?? '');
    if (/^(TAP version|\d+\.\.\d+|\s*---|\s*\.\.\.)/.test(line) || line.trim() === '') return null;
    if (/^# (tests|pass|fail|skip) \d+$/.test(line)) return null;
    const shown = `    ${line.replace(/^# ?/, '')}`;
    if (this.#failing) this.#retell(shown);
    return shown;
  }

  /** @param {string} shown a line about the test that failed last */
  #retell(shown) {
    const lines = this.failures.at(-1);
    if (lines !== undefined && lines.length < RETOLD_LINES_MAX) lines.push(shown);
  }

  /**
   * @param {boolean} failed
   * @param {string} title
   */
  #point(failed, title) {
    this.#failing = false;
    if (/# (SKIP|TODO)\b/i.test(title)) {
      this.count.skipped += 1;
      return `  - ${title}`;
    }
    if (!failed) {
      this.count.passed += 1;
      return `  ✔ ${title}`;
    }
    this.count.failed += 1;
    if (this.failures.length < RETOLD_TESTS_MAX) {
      this.#failing = true;
      this.failures.push([`  ✘ ${title}`]);
    }
    return `  ✘ ${title}`;
  }
}

/**
 * The level's count once its process has ended: a process that failed without a failed test, or
 * passed without any test, counts as a failure.
 *
 * @param {TapCount} count
 * @param {number | null} exit null when a signal ended it
 * @returns {{ passed: number, failed: number }}
 */
export function settleCount(count, exit) {
  const silent = count.failed === 0 && (exit !== 0 || count.passed === 0);
  return { passed: count.passed, failed: count.failed + (silent ? 1 : 0) };
}
