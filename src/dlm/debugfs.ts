import { LOCK_MODES, RESOURCE_BYTES_MAX } from './constants.js';
import type { LockMode } from './port.js';

/** Most locks that are taken from one file; what is beyond is counted, not parsed. */
export const KERNEL_LOCKS_MAX = 300_000;

/** A lock of this node as one line of `_locks` shows it. */
export interface KernelLock {
  readonly lkid: number;
  readonly resource: string;
  readonly granted: LockMode;
  readonly requested: LockMode | null;
  readonly status: 'waiting' | 'granted' | 'converting';
  readonly ownerPid: number;
  /** The kernel says itself that it is an orphan. False says nothing: newer kernels hide it. */
  readonly markedOrphan: boolean;
}

export interface KernelLocks {
  readonly locks: readonly KernelLock[];
  /** Lines that could not be read as a lock, and locks beyond the bound. */
  readonly skipped: number;
}

/** DLM_IFL_ORPHAN in `flags`, up to Linux 6.4 or so; later ones print 0 there. */
const FLAG_ORPHAN = 0x2;

const NEWLINE = 0x0a;
const QUOTE = 0x22;

/**
 * `id nodeid remid pid xid exflags flags sts grmode rqmode time r_nodeid r_len "`; hexadecimal
 * are id, remid, exflags and flags. The name follows raw: it may hold anything, newlines too.
 */
const FIELDS = new RegExp(
  '^([0-9a-f]{1,8}) (-?\\d+) [0-9a-f]{1,8} (\\d+) \\d+ [0-9a-f]{1,8} ([0-9a-f]{1,8}) '
  + '(-?\\d+) (-?\\d+) (-?\\d+) \\d+ (\\d+) (\\d+) "',
);
const FIELDS_BYTES_MAX = 200;

/**
 * Reads `/sys/kernel/debug/dlm/<lockspace>_locks`. Total: a line that makes no sense is skipped
 * and counted. Locks of other nodes that this one is master for are left out.
 *
 * The file is no snapshot: while locks come and go, one may be missing or shown twice; the second
 * is left out. @see fs/dlm/debug_fs.c, print_format2_lock
 */
export function parseLocks(file: Buffer): KernelLocks {
  const locks = new Map<number, KernelLock>();
  let skipped = 0;
  let offset = endOfLine(file, 0);
  while (offset < file.length) {
    const line = parseLine(file, offset);
    if (line === null) {
      skipped += 1;
      offset = endOfLine(file, offset);
      continue;
    }
    offset = line.end;
    if (line.lock !== null && !locks.has(line.lock.lkid)) {
      if (locks.size < KERNEL_LOCKS_MAX) {
        locks.set(line.lock.lkid, line.lock);
      } else {
        skipped += 1;
      }
    }
  }
  return { locks: [...locks.values()], skipped };
}

interface Line {
  /** Null for a lock that belongs to another node. */
  readonly lock: KernelLock | null;
  readonly end: number;
}

function parseLine(file: Buffer, start: number): Line | null {
  const head = file.toString('latin1', start, Math.min(start + FIELDS_BYTES_MAX, file.length));
  const fields = FIELDS.exec(head);
  if (fields === null) {
    return null;
  }
  const [matched, lkid, nodeId, pid, flags, status, granted, requested, masterId, nameBytes]
    = fields as unknown as readonly [string, ...string[]];
  const nameStart = start + matched.length;
  const nameEnd = endOfName(file, nameStart, Number(nameBytes));
  if (nameEnd === null) {
    return null;
  }
  const end = nameEnd + 2;
  if (Number(masterId) === 0 && Number(nodeId) !== 0) {
    return { lock: null, end };
  }
  const statusName = STATUSES[Number(status)];
  // -1 (IV) as granted is a lock that waits for its first grant: it holds nothing, as NL.
  const grantedMode = Number(granted) === -1 ? 'NL' : LOCK_MODES[Number(granted)];
  if (statusName === undefined || grantedMode === undefined) {
    return null;
  }
  const lock: KernelLock = {
    lkid: Number.parseInt(lkid ?? '', 16),
    resource: decodeName(file.subarray(nameStart, nameEnd)),
    granted: grantedMode,
    requested: statusName === 'granted' ? null : LOCK_MODES[Number(requested)] ?? null,
    status: statusName,
    ownerPid: Number(pid),
    markedOrphan: (Number.parseInt(flags ?? '', 16) & FLAG_ORPHAN) !== 0,
  };
  return { lock, end };
}

/** lkb_status. @see fs/dlm/dlm_internal.h, DLM_LKSTS_* */
const STATUSES: readonly (KernelLock['status'] | undefined)[] = [
  undefined, 'waiting', 'granted', 'converting',
];

/**
 * Where the name ends: after as many bytes as the line says. A name that holds a NUL is shorter,
 * the kernel's "%s" stops there: then it ends at the first quote before a newline. Null when
 * neither is to be found.
 */
function endOfName(file: Buffer, start: number, nameBytes: number): number | null {
  if (nameBytes > RESOURCE_BYTES_MAX) {
    return null;
  }
  const announced = start + nameBytes;
  if (file[announced] === QUOTE && file[announced + 1] === NEWLINE) {
    return announced;
  }
  for (let end = start; end < announced; end += 1) {
    if (file[end] === QUOTE && file[end + 1] === NEWLINE) {
      return end;
    }
  }
  return null;
}

/** The name as text; bytes that are no UTF-8 are shown as \xNN, so that they stay told apart. */
export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes)
    ? text
    : bytes.toString('latin1').replace(
      /[^\x20-\x7e]/g,
      (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
}

function endOfLine(file: Buffer, start: number): number {
  const newline = file.indexOf(NEWLINE, start);
  return newline === -1 ? file.length : newline + 1;
}
