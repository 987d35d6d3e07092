import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { run } from '../host/command.js';
import { BOOT_MODULES, INITRAMFS_INIT } from './recipe.js';
import { copyModules } from './kernel.js';

const APPLETS = [
  'sh', 'mount', 'modprobe', 'insmod', 'sleep', 'echo', 'switch_root', 'poweroff', '[', 'cat',
];

/**
 * A first root file system that knows just enough to mount the disk.
 *
 * @param modules the root that holds lib/modules of the unpacked kernel package
 */
export async function buildInitramfs(
  work: string,
  modules: string,
  release: string,
  target: string,
): Promise<void> {
  const root = join(work, 'initramfs');
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'root']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of APPLETS) await symlink('busybox', join(root, 'bin', applet));
  await symlink('bin', join(root, 'sbin'));
  await writeFile(join(root, 'init'), INITRAMFS_INIT);
  await chmod(join(root, 'init'), 0o755);
  await copyModules(modules, release, BOOT_MODULES, root);
  const pack = 'find . -print0 | cpio --null --quiet -o -H newc | zstd -q -f -o "$1"';
  await run('sh', ['-c', pack, 'sh', target], { cwd: root });
}
