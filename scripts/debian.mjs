// Debian packages that a test level needs.
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { say } from './prepare.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_SAVED = `${POLICY}.before-holdfast-test`;
const APT_BOUND_MS = 5 * 60_000;

/** Installs what is missing, where that may be done; null, or why the packages are not there. */
export function requirePackages(packages) {
  if (packages.length === 0) return null;
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return null;
  const names = missing.join(' ');
  if (!existsSync('/usr/bin/apt-get')) return `needs a Debian with the packages: ${names}`;
  if (process.getuid() !== 0) return `needs the packages: apt-get install ${names}`;
  say(`installing Debian packages: ${names}`);
  const installed = withoutServices(() => {
    return apt(['update']) && apt(['install', '-y', '--no-install-recommends', ...missing]);
  });
  return installed ? null : `apt-get install ${names} failed`;
}

function isInstalled(name) {
  const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Status}', name]);
  return status === 0 && String(stdout).endsWith(' installed');
}

function apt(args) {
  const { status } = spawnSync('apt-get', ['-q', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: APT_BOUND_MS,
  });
  return status === 0;
}

/** Packages start their services when they are installed, unless this file says no (101). */
function withoutServices(action) {
  const saved = existsSync(POLICY);
  if (saved) renameSync(POLICY, POLICY_SAVED);
  try {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    return action();
  } finally {
    rmSync(POLICY, { force: true });
    if (saved) renameSync(POLICY_SAVED, POLICY);
  }
}
