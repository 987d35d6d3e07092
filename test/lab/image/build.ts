import { chmod, copyFile, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { run } from '../host/command.js';
import { LabError } from '../host/error.js';
import { buildInitramfs } from './initramfs.js';
import { copyModules, type KernelPackage, unpackKernel } from './kernel.js';
import {
  DISABLED_UNITS, ENABLED_UNITS, FLAVOUR_DISABLED_UNITS, FLAVOUR_PACKAGES, GUEST_FILES,
  GUEST_MODULES, GUEST_PACKAGES, MASKED_UNITS, RELEASE, type Flavour,
} from './recipe.js';

const DEBOOTSTRAP_TIMEOUT_MS = 600_000;
const DISK_BYTES = 2 * 1024 ** 3;
const MIRROR = process.env['HOLDFAST_LAB_MIRROR'] ?? 'http://deb.debian.org/debian';
/** What nobody reads in a guest. */
const WASTE = [
  'usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info', 'usr/share/zoneinfo',
  'var/cache/apt', 'var/lib/apt/lists', 'etc/ssh/ssh_host_ecdsa_key', 'etc/ssh/ssh_host_rsa_key',
  'etc/ssh/ssh_host_ecdsa_key.pub', 'etc/ssh/ssh_host_rsa_key.pub', 'etc/machine-id',
];

/** Told of each step, with a line for a person who waits. */
export type Progress = (line: string) => void;

/**
 * Builds kernel, initramfs, root disk and ssh keys into `target`, using `work` for what is thrown
 * away. Needs root (chroot, device nodes), a Debian mirror, and about a minute.
 */
export async function buildImage(
  kernel: KernelPackage,
  flavour: Flavour,
  target: string,
  work: string,
  progress: Progress,
): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new LabError('MISSING', 'building the image of the lab needs root; running it does not');
  }
  const rootfs = join(work, 'rootfs');
  progress(`debootstrap ${RELEASE}`);
  const packages = `--include=${GUEST_PACKAGES.join(',')}`;
  const bootstrap = ['--variant=minbase', packages, RELEASE, rootfs, MIRROR];
  const [unpacked] = await Promise.all([
    unpackKernel(kernel, work),
    run('debootstrap', bootstrap, { timeoutMs: DEBOOTSTRAP_TIMEOUT_MS }),
  ]);
  await installPackages(rootfs, FLAVOUR_PACKAGES[flavour]);
  progress(`kernel ${unpacked.release}, initramfs, files`);
  await copyModules(unpacked.root, unpacked.release, GUEST_MODULES, rootfs);
  await buildInitramfs(work, unpacked.root, unpacked.release, join(target, 'initrd.img'));
  await copyFile(unpacked.image, join(target, 'vmlinuz'));
  for (const path of WASTE) await rm(join(rootfs, path), { recursive: true, force: true });
  await writeGuestFiles(rootfs, FLAVOUR_DISABLED_UNITS[flavour]);
  await makeKeys(rootfs, target);
  await copyFile(process.execPath, join(rootfs, 'usr/bin/node'));
  await chmod(join(rootfs, 'usr/bin/node'), 0o755);
  await run('chroot', [rootfs, 'node', '--version']);
  progress('root disk');
  await makeDisk(rootfs, join(target, 'root.img'));
}

/** Starts nothing of what it installs. */
async function installPackages(rootfs: string, packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  const policy = join(rootfs, 'usr/sbin/policy-rc.d');
  await writeFile(policy, '#!/bin/sh\nexit 101\n');
  await chmod(policy, 0o755);
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages];
  await run('chroot', [rootfs, 'env', 'DEBIAN_FRONTEND=noninteractive', ...install], {
    timeoutMs: DEBOOTSTRAP_TIMEOUT_MS,
  });
  await rm(policy);
}

async function writeGuestFiles(rootfs: string, units: readonly string[]): Promise<void> {
  for (const file of GUEST_FILES) {
    const path = join(rootfs, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.text);
    await chmod(path, file.mode);
  }
  // An empty one is filled at boot, so that three copies of one disk are three machines.
  await writeFile(join(rootfs, 'etc/machine-id'), '');
  const systemctl = (verb: string, units: readonly string[]): Promise<unknown> =>
    run('systemctl', [`--root=${rootfs}`, verb, ...units]);
  await systemctl('disable', [...DISABLED_UNITS, ...units]);
  await systemctl('enable', ENABLED_UNITS);
  await systemctl('mask', MASKED_UNITS);
}

/** A key for the host and one for us, known to this copy of the image only. */
async function makeKeys(rootfs: string, target: string): Promise<void> {
  const hostKey = join(rootfs, 'etc/ssh/ssh_host_ed25519_key');
  await rm(hostKey, { force: true });
  await rm(`${hostKey}.pub`, { force: true });
  const keygen = ['-q', '-t', 'ed25519', '-N', '', '-C', 'holdfast-lab', '-f'];
  await run('ssh-keygen', [...keygen, hostKey]);
  await run('ssh-keygen', [...keygen, join(target, 'id')]);
  await mkdir(join(rootfs, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await copyFile(join(target, 'id.pub'), join(rootfs, 'root/.ssh/authorized_keys'));
  const known = 'printf "holdfast-lab %s\\n" "$(cut -d" " -f1,2 "$1")" >"$2"';
  await run('sh', ['-c', known, 'sh', `${hostKey}.pub`, join(target, 'known_hosts')]);
}

async function makeDisk(rootfs: string, disk: string): Promise<void> {
  await writeFile(disk, '');
  await truncate(disk, DISK_BYTES);
  const options = ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1', '-d', rootfs, disk];
  await run('mkfs.ext4', options, { timeoutMs: 120_000 });
}
