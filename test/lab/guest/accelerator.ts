import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BoundChild } from '../host/bound-child.js';
import { LabError } from '../host/error.js';
import { waitUntil } from '../host/wait.js';
import type { LabImage } from '../image/cache.js';
import type { Accelerator } from './qemu-arguments.js';

const PROBE_TIMEOUT_MS = 15_000;

/**
 * Emulation unless HOLDFAST_LAB_ACCEL=kvm asks for more and a kernel really runs so: /dev/kvm can
 * be opened on machines where no guest ever gets to its first instruction.
 */
export async function chooseAccelerator(
  image: LabImage,
  wanted = process.env['HOLDFAST_LAB_ACCEL'] ?? 'tcg',
): Promise<Accelerator> {
  if (wanted === 'tcg') return 'tcg';
  if (wanted !== 'kvm') {
    throw new LabError('MISSING', `HOLDFAST_LAB_ACCEL is ${wanted}; it can be tcg or kvm`);
  }
  return (await runsWithKvm(image)) ? 'kvm' : 'tcg';
}

/** Starts a kernel without a disk and looks whether it says anything. */
async function runsWithKvm(image: LabImage): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kvm-'));
  const console = join(folder, 'console.log');
  const qemu = BoundChild.start('qemu-system-x86_64', [
    '-accel', 'kvm', '-cpu', 'host', '-m', '256', '-nodefaults', '-display', 'none', '-no-reboot',
    '-kernel', image.kernel, '-append', 'console=ttyS0 panic=-1', '-serial', `file:${console}`,
  ], { stdio: 'ignore' });
  try {
    await waitUntil(async () => {
      const text = await readFile(console, 'utf8').catch(() => '');
      if (text.includes('Linux version')) return true;
      if (!qemu.alive) throw new LabError('GONE', `QEMU with kvm ${qemu.ending}`);
      return false;
    }, { what: 'a kernel under kvm', timeoutMs: PROBE_TIMEOUT_MS });
    return true;
  } catch (thrown) {
    if (thrown instanceof LabError) return false;
    throw thrown;
  } finally {
    await qemu.end();
    await rm(folder, { recursive: true, force: true });
  }
}
