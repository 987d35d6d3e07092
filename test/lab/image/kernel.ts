import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { run } from '../host/command.js';
import { LabError } from '../host/error.js';

const META_PACKAGE = 'linux-image-amd64';
const DOWNLOAD_TIMEOUT_MS = 180_000;

export interface KernelPackage {
  readonly name: string;
  readonly version: string;
  /** The package itself where it is at hand already; null when apt has to fetch it. */
  readonly file: string | null;
}

/**
 * The kernel package that Debian's meta package stands for. The `cloud` flavour has no DLM.
 * `HOLDFAST_LAB_KERNEL` names the file of another one, from backports for example.
 */
export async function findKernelPackage(): Promise<KernelPackage> {
  const file = process.env['HOLDFAST_LAB_KERNEL'];
  if (file !== undefined && file !== '') return await readKernelPackage(file);
  const show = ['show', '--no-all-versions', META_PACKAGE];
  const { stdout } = await run('apt-cache', show).catch((cause: unknown) => {
    const text = `apt knows no ${META_PACKAGE}: run apt-get update on a Debian bookworm machine`;
    throw new LabError('MISSING', text, cause);
  });
  const depends = /^Depends: (linux-image-\S+-amd64) \(= ([^)]+)\)/m.exec(stdout);
  const [, name, version] = depends ?? [];
  if (name === undefined || version === undefined) {
    throw new LabError('MISSING', `cannot tell which package ${META_PACKAGE} means: ${stdout}`);
  }
  return { name, version, file: null };
}

export interface UnpackedKernel {
  readonly root: string;
  readonly release: string;
  readonly image: string;
}

/** Downloads and unpacks the kernel below `work`, with its table of module dependencies. */
export async function unpackKernel(kernel: KernelPackage, work: string): Promise<UnpackedKernel> {
  const root = join(work, 'kernel');
  await mkdir(root, { recursive: true });
  const file = kernel.file ?? await download(kernel, work);
  await run('dpkg', ['-x', file, root], { timeoutMs: 60_000 });
  const release = kernel.name.replace('linux-image-', '');
  await run('depmod', ['-b', root, release], { timeoutMs: 60_000 });
  return { root, release, image: join(root, 'boot', `vmlinuz-${release}`) };
}

async function download(kernel: KernelPackage, work: string): Promise<string> {
  const wanted = `${kernel.name}=${kernel.version}`;
  await run('apt-get', ['download', wanted], { cwd: work, timeoutMs: DOWNLOAD_TIMEOUT_MS });
  const file = (await readdir(work)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new LabError('BUILD_FAILED', `apt-get left no file for ${wanted}`);
  return join(work, file);
}

async function readKernelPackage(file: string): Promise<KernelPackage> {
  const { stdout } = await run('dpkg-deb', ['--show', '--showformat=${Package} ${Version}', file]);
  const [name, version] = stdout.trim().split(' ');
  if (name?.startsWith('linux-image-') !== true || version === undefined) {
    throw new LabError('MISSING', `HOLDFAST_LAB_KERNEL is no linux-image package: ${file}`);
  }
  return { name, version, file };
}

/** Copies kernel modules and all they need from one root to another, and indexes them there. */
export async function copyModules(
  from: string,
  release: string,
  names: readonly string[],
  to: string,
): Promise<void> {
  const files = new Set<string>();
  for (const name of names) {
    const args = ['-d', from, '-S', release, '--show-depends', name];
    const { stdout } = await run('modprobe', args);
    for (const line of stdout.split('\n')) {
      // "builtin NAME" is part of the kernel itself.
      const path = /^insmod (\S+)/.exec(line)?.[1];
      if (path !== undefined) files.add(path);
    }
  }
  for (const file of files) {
    const target = join(to, file.slice(from.length));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
  }
  for (const list of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    const path = join('lib/modules', release, list);
    await copyFile(join(from, path), join(to, path));
  }
  await run('depmod', ['-b', to, release]);
}
