import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

const PACKAGES = ['corosync', 'libcpg4', 'libqb100', 'gcc'];

/** What the numbers depend on, one line each. */
export function machineFacts() {
  const [first] = cpus();
  const load = loadavg().map((value) => value.toFixed(2)).join(' ');
  return [
    `cpu: ${cpus().length} x ${first?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `kernel ${release()}, node ${process.version}, koffi ${koffiVersion()}`,
    `packages: ${PACKAGES.map(packageVersion).join(', ')}`,
    `load before: ${load}; ${new Date().toISOString()}`,
  ];
}

function koffiVersion() {
  const path = new URL('../node_modules/koffi/package.json', import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')).version;
}

function packageVersion(name) {
  try {
    const args = ['-W', '-f', '${Version}', name];
    return `${name} ${execFileSync('dpkg-query', args, { encoding: 'utf8' })}`;
  } catch (error) {
    return `${name} unknown (${error.code ?? error.status})`;
  }
}
