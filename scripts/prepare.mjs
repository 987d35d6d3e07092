// What `npm start` and `npm test` need first: the right Node, the packages, the build.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const NODE_MIN = [20, 19];

/** Why this Node cannot run Holdfast; null when it can. */
export function nodeProblem(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return null;
  return `Holdfast needs Node.js ${NODE_MIN.join('.')} or later, this is ${version}`;
}

/** Installs the packages of package-lock.json unless that has been done; false on failure. */
export function installPackages() {
  const lock = join(ROOT, 'package-lock.json');
  // npm writes this file at the end of every install.
  const done = join(ROOT, 'node_modules/.package-lock.json');
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) return true;
  say('installing the npm packages (npm ci)');
  return run('npm', ['ci', '--no-audit', '--no-fund']);
}

/** Builds unless build/ is newer than all of its sources; false on failure. */
export function build() {
  if (isBuilt()) return true;
  say('building (npm run build)');
  if (!run('npm', ['run', '-s', 'build'])) return false;
  removeStale();
  return true;
}

/** One line about what is being done. */
export function say(text) {
  process.stdout.write(`holdfast: ${text}\n`);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (error !== undefined) say(`cannot run ${command}: ${error.message}`);
  return status === 0;
}

function isBuilt() {
  const info = join(ROOT, 'build/.tsbuildinfo');
  if (!existsSync(info)) return false;
  if (!existsSync(join(ROOT, 'build/src/coordinator/wire/generated/manifest.js'))) return false;
  // The last file that a build writes.
  const bundled = join(ROOT, 'build/bundle/dlm/child/main.js');
  if (!existsSync(bundled) || statSync(bundled).mtimeMs < statSync(info).mtimeMs) return false;
  // A build with errors writes its notes too, and the errors into them.
  const { errors, semanticDiagnosticsPerFile } = JSON.parse(readFileSync(info, 'utf8'));
  if (errors === true || semanticDiagnosticsPerFile?.length > 0) return false;
  const built = statSync(info).mtimeMs;
  const sources = ['src', 'test', 'proto', 'scripts'].flatMap((folder) => filesOf(folder));
  const settings = ['tsconfig.json', 'package.json', 'package-lock.json'];
  return [...sources, ...settings].every((path) => statSync(join(ROOT, path)).mtimeMs <= built);
}

/** The compiler leaves the output of removed sources behind; removed tests must not run. */
function removeStale() {
  for (const folder of ['src', 'test']) {
    for (const path of filesOf(join('build', folder))) {
      const source = path.slice('build/'.length).replace(/\.map$/, '');
      const asTypeScript = source.replace(/(\.d)?\.(js|ts)$/, '.ts');
      const known = [source, asTypeScript].some((name) => existsSync(join(ROOT, name)));
      if (!known) rmSync(join(ROOT, path));
    }
  }
}

/** Paths of all files in a folder, both relative to the project. */
export function filesOf(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}
