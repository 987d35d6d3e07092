import { LOCK_MODES, RESOURCE_BYTES_MAX, VALUE_BYTES } from './constants.js';
import { decodeName } from './debugfs.js';
import type { LockMode, LockValue } from './request.js';
import type { KernelResource, ReplyWait, ResourceLock } from './resource.js';

/** Most resources, and most locks in all, that are taken from one file; the rest is counted. */
export const RESOURCES_MAX = 100_000;
export const RESOURCE_LOCKS_MAX = 300_000;

/** Most unanswered messages that are taken from one file. */
export const REPLY_WAITS_MAX = 100_000;

export interface ResourceTable {
  readonly resources: readonly KernelResource[];
  /** Lines that could not be read, and what is beyond the bounds. */
  readonly skipped: number;
}

/** RSB_VALNOTVALID among the flags of a resource; the same bit on 6.1 and 6.12. */
const FLAG_VALUE_NOT_VALID = 0x2;

/** A resource as it is put together. */
interface Draft {
  readonly name: string;
  readonly masterNodeId: number | null;
  readonly valid: boolean;
  value: LockValue | null;
  readonly granted: ResourceLock[];
  readonly converting: ResourceLock[];
  readonly waiting: ResourceLock[];
}

/**
 * `rsb POINTER NODEID FIRST_LKID FLAGS … … COUNT LENGTH str|hex NAME`; a name with bytes that do
 * not print is in hex. `lvb SEQUENCE LENGTH BYTE…` and `lkb …` follow, of that resource.
 */
const RSB = new RegExp(
  '^rsb [0-9a-f]+ (-?\\d+) [0-9a-f]+ ([0-9a-f]{1,8}) -?\\d+ -?\\d+ \\d+ (\\d+) (str|hex) (.*)$',
);
const LVB = /^lvb \d+ (\d+)((?: [0-9a-f]{2})*) ?$/;
/** id nodeid remid pid xid exflags flags status grmode rqmode …; the rest is of no use here. */
const LKB = new RegExp(
  '^lkb ([0-9a-f]{1,8}) (-?\\d+) [0-9a-f]+ (\\d+) \\d+ [0-9a-f]+ [0-9a-f]+ (\\d+) (-?\\d+) (-?\\d+)'
  + '(?: |$)',
);

/**
 * Reads `/sys/kernel/debug/dlm/<lockspace>_all`: every resource with its queues, in their order.
 * Total: what makes no sense is skipped and counted. Linux 6.1 begins with `version …`, 6.12 with
 * the names of the columns. @see fs/dlm/debug_fs.c, print_format3
 */
export function parseResources(file: Buffer): ResourceTable {
  const drafts: Draft[] = [];
  let current: Draft | null = null;
  let locks = 0;
  let skipped = 0;
  for (const line of file.toString('latin1').split('\n')) {
    if (line === '' || line.startsWith('version ') || line.startsWith('rsb ptr ')) {
      continue;
    }
    if (line.startsWith('rsb ')) {
      current = drafts.length < RESOURCES_MAX ? parseResource(line) : null;
      if (current === null) {
        skipped += 1;
      } else {
        drafts.push(current);
      }
    } else if (current === null || locks >= RESOURCE_LOCKS_MAX) {
      skipped += 1;
    } else if (line.startsWith('lkb ')) {
      locks += 1;
      skipped += addLock(current, line) ? 0 : 1;
    } else {
      current.value = parseValue(line, current.valid);
      skipped += current.value === null ? 1 : 0;
    }
  }
  return { resources: drafts.map(({ valid: _valid, ...resource }) => resource), skipped };
}

/**
 * Reads `/sys/kernel/debug/dlm/<lockspace>_waiters`: `LKID MSTYPE NODEID NAME` a line.
 * @see fs/dlm/debug_fs.c, waiters_read
 */
export function parseReplyWaits(
  file: Buffer,
): { readonly waits: readonly ReplyWait[]; readonly skipped: number } {
  const waits: ReplyWait[] = [];
  let skipped = 0;
  for (const line of file.toString('latin1').split('\n')) {
    const [, lkid = '', type = '', nodeId = '', name = '']
      = /^([0-9a-f]{1,8}) (-?\d+) (-?\d+) (.*)$/.exec(line) ?? [];
    if (line === '') {
      continue;
    }
    if (lkid === '' || waits.length >= REPLY_WAITS_MAX) {
      skipped += 1;
      continue;
    }
    waits.push({
      lkid: Number.parseInt(lkid, 16),
      awaited: MESSAGES[Number(type)] ?? 'unknown',
      nodeId: Number(nodeId),
      resource: decodeName(Buffer.from(name, 'latin1')),
    });
  }
  return { waits, skipped };
}

/** The messages that are answered, by number. @see fs/dlm/dlm_internal.h, DLM_MSG_* */
const MESSAGES: Readonly<Partial<Record<number, ReplyWait['awaited']>>> = {
  1: 'request', 2: 'convert', 3: 'unlock', 4: 'cancel', 11: 'lookup',
};

function parseResource(line: string): Draft | null {
  const fields = RSB.exec(line);
  const [, master, flags = '', length = '', form, text = ''] = fields ?? [];
  const name = form === 'hex' ? fromHex(text) : Buffer.from(text, 'latin1');
  if (fields === null || name === null || name.length > RESOURCE_BYTES_MAX
    || Number(length) > RESOURCE_BYTES_MAX) {
    return null;
  }
  return {
    name: decodeName(name),
    masterNodeId: Number(master) === 0 ? null : Number(master),
    valid: (Number.parseInt(flags, 16) & FLAG_VALUE_NOT_VALID) === 0,
    value: null,
    granted: [],
    converting: [],
    waiting: [],
  };
}

function fromHex(text: string): Buffer | null {
  const digits = text.replaceAll(' ', '');
  return /^(?:[0-9a-f]{2})*$/.test(digits) ? Buffer.from(digits, 'hex') : null;
}

function parseValue(line: string, valid: boolean): LockValue | null {
  const fields = LVB.exec(line);
  const bytes = fields === null ? null : fromHex(fields[2] ?? '');
  return bytes?.length === VALUE_BYTES ? { bytes: new Uint8Array(bytes), valid } : null;
}

/** Puts the lock on its queue; false when the line is none, or names no queue. */
function addLock(draft: Draft, line: string): boolean {
  const [, lkid = '', nodeId, pid, status, granted, requested] = LKB.exec(line) ?? [];
  const queue = [null, draft.waiting, draft.granted, draft.converting][Number(status)] ?? null;
  if (lkid === '' || queue === null) {
    return false;
  }
  const remote = Number(nodeId) !== 0 && Number(nodeId) !== draft.masterNodeId;
  const waits = queue !== draft.granted;
  queue.push({
    lkid: Number.parseInt(lkid, 16),
    nodeId: remote ? Number(nodeId) : null,
    ownerPid: Number(pid),
    granted: queue === draft.waiting ? null : modeOf(granted),
    requested: waits ? modeOf(requested) : null,
  });
  return true;
}

function modeOf(number: string | undefined): LockMode | null {
  return LOCK_MODES[Number(number)] ?? null;
}
