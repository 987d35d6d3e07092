// `npm test [-- LEVEL...]`: installs, builds, runs the levels, and ends with a line
// `N passed, N failed`. Exits with 1 on any failure.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { requirePackages } from './debian.mjs';
import { boundOf, hasTest, packagesOf, selectLevels, summarize } from './levels.mjs';
import { build, filesOf, installPackages, nodeProblem, ROOT, say } from './prepare.mjs';
import { settleCount, TapReader } from './tap.mjs';

/** After SIGTERM a level has this long to stop what it started. */
const STOP_GRACE_MS = 10_000;

const ci = process.env.CI === 'true';
const startedMs = performance.now();
let running = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (running !== null) stopGroup(running, signal);
    say(`stopped by ${signal}`);
    process.exitCode = 1;
  });
}

const outcomes = await runAll(process.argv.slice(2));
for (const { name, failures } of outcomes) {
  for (const lines of failures) process.stdout.write(`\nfailed in ${name}:\n${lines.join('\n')}\n`);
}
const { lines, ok } = summarize(outcomes, ci);
process.stdout.write(`\n${lines.join('\n')}\n`);
if (!ok) process.exitCode = 1;

async function runAll(names) {
  const { levels, problem } = selectLevels(names);
  if (levels === null) return [broken('selection', problem)];
  const node = nodeProblem();
  if (node !== null) return [broken('node', node)];
  if (!installPackages()) return [broken('install', 'the npm packages could not be installed')];
  if (!build()) return [broken('build', 'the build failed')];
  const results = [];
  for (const level of levels) {
    if (process.exitCode === 1) break;
    results.push(await runLevel(level));
  }
  return results.length > 0 ? results : [broken('run', 'nothing was run')];
}

function broken(name, text) {
  say(text);
  return { name, passed: 0, failed: 1, skipped: null, failures: [] };
}

async function runLevel(level) {
  const skipped = obstacleOf(level);
  if (skipped !== null) {
    say(`level ${level.name} cannot run: ${skipped}`);
    return { name: level.name, passed: 0, failed: 0, skipped, failures: [] };
  }
  say(`level ${level.name}`);
  const lint = level.lint ? runLint() : { passed: 0, failed: 0 };
  const tests = await runAva(level);
  return {
    name: level.name,
    passed: lint.passed + tests.passed,
    failed: lint.failed + tests.failed,
    skipped: null,
    failures: tests.failures,
  };
}

/** Why the level cannot run here; null when it can. Installs what may be installed. */
function obstacleOf(level) {
  if (!filesOf('build/test').some((path) => hasTest(level, path))) return 'it has no tests yet';
  if (level.root && process.getuid() !== 0) return 'it needs root (network namespaces)';
  const packages = requirePackages([...level.packages, ...furtherPackages(level)]);
  if (packages !== null) return packages;
  if (!level.root) return null;
  const { status } = spawnSync('unshare', ['--net', '--mount', 'true']);
  return status === 0 ? null : 'network and mount namespaces cannot be made here';
}

function furtherPackages({ requirements }) {
  if (requirements === null) return [];
  const path = join(ROOT, requirements);
  return existsSync(path) ? packagesOf(JSON.parse(readFileSync(path, 'utf8'))) : [];
}

function runLint() {
  const bin = join(ROOT, 'node_modules/eslint/bin/eslint.js');
  const { status } = spawnSync(process.execPath, [bin, '.', '--max-warnings', '0'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  process.stdout.write(status === 0 ? '  ✔ lint\n' : '  ✘ lint\n');
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 };
}

/** Runs ava in a process group of its own, so that nothing of a killed level stays behind. */
function runAva(level) {
  const boundMs = boundOf(level, performance.now() - startedMs);
  const bin = join(ROOT, 'node_modules/ava/entrypoints/cli.mjs');
  const child = spawn(process.execPath, [bin, '--tap', ...level.ava, ...level.files], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  running = child;
  const reader = new TapReader();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const shown = reader.read(line);
    if (shown !== null) process.stdout.write(`${shown}\n`);
  });
  const bound = setTimeout(() => {
    say(`level ${level.name} was killed: it ran longer than ${Math.round(boundMs / 1000)} s`);
    stopGroup(child, 'SIGTERM');
  }, boundMs);
  return new Promise((resolve) => {
    child.on('close', (exit) => {
      clearTimeout(bound);
      running = null;
      signalGroup(child, 'SIGKILL');
      resolve({ ...settleCount(reader.count, exit), failures: reader.failures });
    });
  });
}

function stopGroup(child, signal) {
  signalGroup(child, signal);
  setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_GRACE_MS).unref();
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Nobody is left in the group: that is what was wanted.
    if (error.code !== 'ESRCH') throw error;
  }
}
