// Generates the protobuf codec from proto/ into src/coordinator/wire/generated/ (not committed).
// Does nothing when what is there is newer than its sources.
import { execFileSync } from 'node:child_process';
import {
  existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'proto/holdfast/v1/manifest.proto');
const folder = join(root, 'src/coordinator/wire/generated');
const script = join(folder, 'manifest.js');
const types = join(folder, 'manifest.d.ts');
// The compiler reads the types and so leaves the script where it is: it is put beside its output.
const built = join(root, 'build/src/coordinator/wire/generated/manifest.js');

const inputs = [source, fileURLToPath(import.meta.url), join(root, 'package-lock.json')];
if (isNewer([script, types, built], inputs)) process.exit(0);

mkdirSync(folder, { recursive: true });
const bin = dirname(createRequire(import.meta.url).resolve('protobufjs-cli/package.json'));
// A half-written module must not look up to date: write beside, then rename, the script last.
const fresh = join(folder, `fresh-${process.pid}.js`);
const freshTypes = join(folder, `fresh-${process.pid}.d.ts`);
try {
  run('pbjs', [
    '--target', 'static-module', '--wrap', 'es6', '--es6', '--no-delimited',
    '--no-service', '--no-verify', '--no-convert', '--out', fresh, source,
  ]);
  run('pbts', ['--out', freshTypes, fresh]);
  // Node resolves ES modules by their full path; the generator writes the path without ending.
  const text = readFileSync(fresh, 'utf8');
  writeFileSync(fresh, text.replace(/"protobufjs\/minimal"/, '"protobufjs/minimal.js"'));
  renameSync(freshTypes, types);
  mkdirSync(dirname(built), { recursive: true });
  writeFileSync(built, readFileSync(fresh));
  renameSync(fresh, script);
} finally {
  rmSync(fresh, { force: true });
  rmSync(freshTypes, { force: true });
}

function run(command, args) {
  execFileSync(process.execPath, [join(bin, 'bin', command), ...args], { stdio: 'inherit' });
}

function isNewer(outputs, sources) {
  if (!outputs.every((path) => existsSync(path))) return false;
  const oldest = Math.min(...outputs.map((path) => statSync(path).mtimeMs));
  return sources.every((path) => statSync(path).mtimeMs <= oldest);
}
