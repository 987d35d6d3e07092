// Reads ava's TAP output line by line. Pure: no process, no file.

/**
 * @typedef {object} TapCount
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped tests marked as skipped or to do
 */

/** Counts test points and turns them into lines for a terminal. */
export class TapReader {
  /** @type {TapCount} */
  count = { passed: 0, failed: 0, skipped: 0 };

  /**
   * @param {string} line without its newline
   * @returns {string | null} what to show; null for lines that only machines need
   */
  read(line) {
    const point = /^(not )?ok\b(?: \d+)?(?: - )?(.*)$/.exec(line);
    if (point !== null) return this.#point(point[1] !== undefined, point[2] ?? '');
    if (/^(TAP version|\d+\.\.\d+|\s*---|\s*\.\.\.)/.test(line) || line.trim() === '') return null;
    if (/^# (tests|pass|fail|skip) \d+$/.test(line)) return null;
    return `    ${line.replace(/^# ?/, '')}`;
  }

  /**
   * @param {boolean} failed
   * @param {string} title
   */
  #point(failed, title) {
    if (/# (SKIP|TODO)\b/i.test(title)) {
      this.count.skipped += 1;
      return `  - ${title}`;
    }
    if (failed) this.count.failed += 1;
    else this.count.passed += 1;
    return failed ? `  ✘ ${title}` : `  ✔ ${title}`;
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
