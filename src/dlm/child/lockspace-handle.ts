import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { messageOf } from '../../errors.js';
import { EBUSY, EEXIST } from '../constants.js';
import { loadLibDlm, type LibDlm, type LockspaceHandle } from '../native.js';
import type { Failure } from '../protocol.js';
import { failureOf, refusal } from './failure.js';

/** Permissions of the lockspace's device node: root's alone. */
const DEVICE_MODE = 0o600;

/** How long to wait for udev to make the device node, or for the kernel to forget a lockspace. */
const SETTLE_MS_MAX = 10_000;
const SETTLE_POLL_MS = 100;

/** A lockspace that is open, or why it is not. */
export type Opened =
  | { readonly kind: 'open'; readonly handle: LockspaceHandle; readonly fd: number }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** How to make a lockspace that is not there yet; `flags` are DLM_LSFL bits. */
export interface Creation {
  readonly flags: number;
  readonly exclusive: boolean;
}

/** Loads libdlm, after a look whether the kernel side is there: libdlm would not say so. */
export function loadLibrary(): LibDlm | Failure {
  if (!/ dlm-control$/m.test(readFileSync('/proc/misc', 'utf8'))) {
    return refusal('NO_KERNEL', 'open', 'the kernel has no DLM: run "modprobe dlm"');
  }
  try {
    return loadLibDlm();
  } catch (thrown) {
    const message = `libdlm.so.3 cannot be loaded: ${messageOf(thrown)}; install libdlm3`;
    return refusal('LIBRARY_MISSING', 'open', message);
  }
}

/**
 * Opens the lockspace. One that is in this kernel already is only opened, never created again:
 * that would raise the kernel's count of creations, and a release would then leave it behind.
 * Otherwise it is created or joined, which blocks for as long as dlm_controld takes.
 */
export async function openLockspace(
  library: LibDlm, name: string, { flags, exclusive }: Creation,
): Promise<Opened> {
  if (inKernel(name)) {
    if (exclusive) {
      return failed('open', name, EEXIST);
    }
    return reopenLockspace(library, name);
  }
  koffi.errno(0);
  const handle = flags === 0
    ? library.dlm_create_lockspace(name, DEVICE_MODE)
    : library.dlm_new_lockspace(name, DEVICE_MODE, flags);
  if (handle !== null) {
    return opened(library, handle);
  }
  const errno = koffi.errno();
  // Created, but without its device node in time: then opening waits for the node once more.
  return inKernel(name) ? reopenLockspace(library, name) : failed('open', name, errno);
}

/** Opens a lockspace that this node is in; waits for its device node. Destroys nothing. */
export async function reopenLockspace(library: LibDlm, name: string): Promise<Opened> {
  let errno = 0;
  for (let waitedMs = 0; waitedMs <= SETTLE_MS_MAX; waitedMs += SETTLE_POLL_MS) {
    koffi.errno(0);
    const handle = library.dlm_open_lockspace(name);
    if (handle !== null) {
      return opened(library, handle);
    }
    errno = koffi.errno();
    await sleep(SETTLE_POLL_MS);
  }
  return failed('open', name, errno);
}

/** The lockspace is gone from this node, or it is still there and open again. */
export type Released =
  | { readonly kind: 'released' }
  | { readonly kind: 'still-in'; readonly opened: Opened; readonly failure: Failure };

/**
 * Leaves the lockspace. The caller has made sure that this node holds no lock in it: libdlm closes
 * the handle first, whatever comes of the rest, and reports success even when the kernel refuses.
 * So the kernel's own list of lockspaces decides.
 *
 * Without `force` the kernel refuses while it keeps any lock, those of other nodes that it is
 * master for included. With `force` (1, 2 and 3 were seen to do the same, on 6.1 and 6.12) it
 * leaves them to the others' recovery, and drops without a word what this node itself still holds.
 */
export async function releaseLockspace(
  library: LibDlm, name: string, handle: LockspaceHandle, force: number,
): Promise<Released> {
  koffi.errno(0);
  const result = library.dlm_release_lockspace(name, handle, force);
  const errno = result === 0 ? EBUSY : koffi.errno();
  const settleMs = result === 0 && force !== 0 ? SETTLE_MS_MAX : SETTLE_POLL_MS;
  for (let waitedMs = 0; waitedMs <= settleMs; waitedMs += SETTLE_POLL_MS) {
    if (!inKernel(name)) {
      return { kind: 'released' };
    }
    await sleep(SETTLE_POLL_MS);
  }
  const failure = errno === EBUSY
    ? { ...refusal('LOCKSPACE_BUSY', 'release', busyMessage(name)), status: EBUSY }
    : failureOf('release', name, errno);
  return { kind: 'still-in', opened: await reopenLockspace(library, name), failure };
}

function busyMessage(name: string): string {
  return `lockspace ${name} was not left: the kernel keeps locks in it; release them first`;
}

function inKernel(name: string): boolean {
  return existsSync(`/sys/kernel/dlm/${name}`);
}

function opened(library: LibDlm, handle: LockspaceHandle): Opened {
  return { kind: 'open', handle, fd: library.dlm_ls_get_fd(handle) };
}

function failed(operation: string, name: string, errno: number): Opened {
  return { kind: 'failed', failure: failureOf(operation, name, errno) };
}
