// The test levels and how they are chosen. Pure: no process, no file.

/**
 * @typedef {object} Level
 * @property {string} name
 * @property {readonly string[]} files what ava runs, as globs over build/; `!` takes out
 * @property {number} boundMs the level is killed after that
 * @property {readonly string[]} ava further flags
 * @property {boolean} lint whether the linter counts as a test of it
 * @property {boolean} root whether it needs to be root
 * @property {readonly string[]} packages Debian packages that must be installed
 * @property {string | null} requirements a JSON file with more of them, see `packagesOf`
 */

const MINUTE_MS = 60_000;

/** All levels together end within this. */
export const TOTAL_BOUND_MS = 58 * MINUTE_MS;

/** @type {readonly Level[]} */
export const LEVELS = [
  {
    name: 'unit',
    files: [
      'build/test/**/*.test.js',
      '!build/test/scenarios/**', '!build/test/simulation/**', '!build/test/dev/**',
      '!build/test/{main,daemon}.test.js',
      '!build/test/real/**', '!build/test/lab/**', '!build/test/model/**',
    ],
    boundMs: 4 * MINUTE_MS,
    ava: ['--concurrency', '2', '--timeout', '60s'],
    lint: false,
    root: false,
    packages: [],
    requirements: null,
  },
  {
    name: 'embedded',
    files: [
      'build/test/scenarios/**/*.test.js', 'build/test/simulation/**/*.test.js',
      'build/test/dev/**/*.test.js',
      'build/test/{main,daemon}.test.js',
    ],
    boundMs: 12 * MINUTE_MS,
    ava: ['--concurrency', '2', '--timeout', '120s'],
    // Here, so that the unit level stays under half a minute.
    lint: true,
    root: false,
    packages: [],
    requirements: null,
  },
  {
    name: 'model',
    files: ['build/test/model/**/*.test.js'],
    boundMs: 3 * MINUTE_MS,
    ava: ['--concurrency', '1', '--timeout', '120s'],
    lint: false,
    root: false,
    packages: ['spin', 'gcc', 'libc6-dev', 'pacemaker-cli-utils'],
    requirements: null,
  },
  {
    name: 'real',
    files: ['build/test/real/**/*.test.js'],
    boundMs: 11 * MINUTE_MS,
    ava: ['--concurrency', '1', '--serial', '--timeout', '180s'],
    lint: false,
    root: true,
    packages: [
      'corosync', 'libcpg4', 'libquorum5', 'libcmap4', 'iproute2', 'util-linux', 'gcc', 'libc6-dev',
      'libcpg-dev', 'libquorum-dev', 'libcmap-dev', 'libdlm-dev',
      // What the headers come to on the other architecture.
      'gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross',
      // For corosync's own test programs.
      'libqb-dev', 'zlib1g-dev',
    ],
    requirements: null,
  },
  {
    name: 'lab',
    // Others take longer than a level may: `npm run test:nothing-lost`, `test:faults`, and all of
    // `test:pacemaker`.
    files: [
      'build/test/lab/**/*.test.js',
      '!build/test/lab/{nothing-lost,faults,handover-deaths,pacemaker-all}.test.js',
    ],
    boundMs: 44 * MINUTE_MS,
    ava: ['--concurrency', '1', '--serial', '--timeout', '10m'],
    lint: false,
    root: false,
    packages: [],
    requirements: 'test/lab/requirements.json',
  },
];

/**
 * The levels that the arguments name, in their fixed order; all of them when none is named.
 *
 * @param {readonly string[]} names
 * @returns {{ levels: readonly Level[], problem: null } | { levels: null, problem: string }}
 */
export function selectLevels(names) {
  const known = LEVELS.map((level) => level.name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const problem = `no test level "${unknown.join('", "')}"; there are: ${known.join(', ')}`;
    return { levels: null, problem };
  }
  const levels = LEVELS.filter((level) => names.length === 0 || names.includes(level.name));
  return { levels, problem: null };
}

/**
 * Whether the file is one of the level's tests.
 *
 * @param {Level} level
 * @param {string} path relative to the project
 */
export function hasTest(level, path) {
  const folders = (glob) => `${glob.replace(/^!/, '').split('/**')[0]}/`;
  const out = level.files.filter((glob) => glob.startsWith('!')).map(folders);
  const within = level.files.filter((glob) => !glob.startsWith('!')).map(folders);
  return path.endsWith('.test.js')
    && within.some((folder) => path.startsWith(folder))
    && !out.some((folder) => path.startsWith(folder));
}

/**
 * The Debian packages that the lab's requirements file names: the keys of `lab.packages`.
 *
 * @param {{ lab?: { packages?: Record<string, string> } }} requirements
 * @returns {readonly string[]}
 */
export function packagesOf(requirements) {
  return Object.keys(requirements.lab?.packages ?? {});
}

/**
 * How long a level may run, given how much of the whole time is used up; 0 when none is left.
 *
 * @param {Level} level
 * @param {number} elapsedMs
 */
export function boundOf(level, elapsedMs) {
  return Math.max(0, Math.min(level.boundMs, TOTAL_BOUND_MS - elapsedMs));
}

/**
 * @typedef {object} Outcome what became of one level
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {string | null} skipped why it could not run
 */

/**
 * The runner's last lines. A level that could not run is named; in CI that is a failure.
 *
 * @param {readonly Outcome[]} outcomes
 * @param {boolean} ci
 * @returns {{ lines: readonly string[], ok: boolean }} the last line is `N passed, N failed`
 */
export function summarize(outcomes, ci) {
  const lines = outcomes.map(({ name, passed, failed, skipped }) => {
    if (skipped === null) return `${name}: ${passed} ok, ${failed} not ok`;
    return ci ? `${name}: FAILED, cannot run: ${skipped}` : `${name}: skipped: ${skipped}`;
  });
  let passed = 0;
  let failed = 0;
  for (const outcome of outcomes) {
    passed += outcome.passed;
    failed += outcome.failed + (ci && outcome.skipped !== null ? 1 : 0);
  }
  return { lines: [...lines, `${passed} passed, ${failed} failed`], ok: failed === 0 };
}
