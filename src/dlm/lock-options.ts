import {
  LKF_ALTCW, LKF_ALTPR, LKF_CONVDEADLK, LKF_FORCEUNLOCK, LKF_HEADQUE, LKF_IVVALBLK, LKF_NODLCKWT,
  LKF_NOORDER, LKF_NOQUEUEBAST, LKF_QUECVT, LKF_VALBLK, LSFL_NEWEXCL, LSFL_NODIR, VALUE_BYTES,
} from './constants.js';
import { DlmError } from './error.js';
import { checkMode, checkResource, describe } from './names.js';
import type {
  ConvertRequest, LockFlag, LockspaceFlag, OpenRequest, PurgeRequest, TakeRequest, UnlockRequest,
} from './request.js';

const LOCK_FLAGS: Readonly<Record<LockFlag, number>> = {
  QUECVT: LKF_QUECVT,
  HEADQUE: LKF_HEADQUE,
  NOORDER: LKF_NOORDER,
  NOQUEUEBAST: LKF_NOQUEUEBAST,
  CONVDEADLK: LKF_CONVDEADLK,
  NODLCKWT: LKF_NODLCKWT,
  ALTPR: LKF_ALTPR,
  ALTCW: LKF_ALTCW,
};

/** What makes sense only for a lock that is held already. The kernel refuses them with EINVAL. */
const CONVERT_ONLY = LKF_QUECVT | LKF_CONVDEADLK | LKF_NODLCKWT;

const LOCKSPACE_FLAGS: Readonly<Record<LockspaceFlag, number>> = {
  NODIR: LSFL_NODIR,
  NEWEXCL: LSFL_NEWEXCL,
};

/** What a request says in LKF bits, and the value block that it writes. */
export interface LockOptions {
  readonly flags: number;
  readonly value: Uint8Array | null;
}

/** Checks a take. Throws DlmError `BAD_REQUEST`, so that nothing unsound reaches the child. */
export function takeOptions(request: TakeRequest): LockOptions {
  checkObject('take', request);
  checkResource('take', request.resource);
  checkMode('take', request.mode);
  checkBoolean('take', 'wait', request.wait);
  if (request.persistent !== undefined) {
    checkBoolean('take', 'persistent', request.persistent);
  }
  if (request.value !== undefined && request.value !== 'read') {
    throw bad('take', 'a take can only read its value block: give value: "read" or nothing');
  }
  const flags = lockFlags('take', request.flags);
  if ((flags & CONVERT_ONLY) !== 0) {
    throw bad('take', 'QUECVT, CONVDEADLK and NODLCKWT are for converts of a lock that is held');
  }
  return { flags: flags | (request.value === 'read' ? LKF_VALBLK : 0), value: null };
}

/** Checks a convert; whether its value block fits the modes is known only to the child. */
export function convertOptions(request: ConvertRequest): LockOptions {
  checkObject('convert', request);
  checkMode('convert', request.mode);
  checkBoolean('convert', 'wait', request.wait);
  const flags = lockFlags('convert', request.flags);
  if (!request.wait && (flags & (LKF_CONVDEADLK | LKF_QUECVT)) !== 0) {
    throw bad('convert', 'CONVDEADLK and QUECVT are for converts that may wait');
  }
  if (request.value === 'read') {
    return { flags: flags | LKF_VALBLK, value: null };
  }
  const written = valueOptions('convert', request.value);
  return { flags: flags | written.flags, value: written.value };
}

/** Checks an unlock. */
export function unlockOptions(request: UnlockRequest): LockOptions {
  checkObject('unlock', request);
  if (request.force !== undefined) {
    checkBoolean('unlock', 'force', request.force);
  }
  const { flags, value } = valueOptions('unlock', request.value);
  if (request.force === true && flags !== 0) {
    throw bad('unlock', 'a forced unlock does not write the value block: who waits holds nothing');
  }
  return { flags: flags | (request.force === true ? LKF_FORCEUNLOCK : 0), value };
}

/** The DLM_LSFL bits of a new lockspace, and whether it must be new. */
export function openOptions(
  request: OpenRequest,
): { readonly flags: number; readonly exclusive: boolean } {
  checkObject('open', request);
  const flags = flagBits('open', LOCKSPACE_FLAGS, request.flags ?? []);
  return { flags, exclusive: (flags & LSFL_NEWEXCL) !== 0 };
}

/** Checks a purge; with neither node nor pid it means all orphans of this node. */
export function purgeOptions(
  request: PurgeRequest, ownPids: readonly (number | null)[],
): { readonly nodeId: number; readonly pid: number } {
  checkObject('purge', request);
  const { nodeId = 0, pid = 0 } = request;
  for (const number of [nodeId, pid]) {
    if (!Number.isInteger(number) || number < 0 || number > 0x7fffffff) {
      throw bad('purge', `${describe(number)} is no node id or pid`);
    }
  }
  if (pid !== 0 && ownPids.includes(pid)) {
    throw bad('purge', `pid ${pid} is this lockspace's own process: it holds no orphans`);
  }
  return { nodeId, pid };
}

/** Throws `BAD_REQUEST` unless it is an object, whatever the types promised. */
export function checkObject(operation: string, request: unknown): void {
  if (typeof request !== 'object' || request === null) {
    throw bad(operation, `the request is ${describe(request)}; give an object`);
  }
}

function valueOptions(operation: string, value: 'invalidate' | Uint8Array | undefined): LockOptions {
  if (value === undefined) {
    return { flags: 0, value: null };
  }
  if (value === 'invalidate') {
    return { flags: LKF_IVVALBLK, value: null };
  }
  if (!(value instanceof Uint8Array) || value.length !== VALUE_BYTES) {
    const given = value instanceof Uint8Array ? `${value.length} bytes` : describe(value);
    throw bad(operation, `a lock value block has exactly ${VALUE_BYTES} bytes, not ${given}`);
  }
  // The caller may change its buffer before the request is sent.
  return { flags: LKF_VALBLK, value: Uint8Array.from(value) };
}

function lockFlags(operation: string, flags: readonly LockFlag[] | undefined): number {
  return flagBits(operation, LOCK_FLAGS, flags ?? []);
}

function flagBits<Name extends string>(
  operation: string, bits: Readonly<Record<Name, number>>, names: readonly Name[],
): number {
  if (!(names instanceof Array)) {
    throw bad(operation, `flags are ${describe(names)}; give a list of names`);
  }
  let flags = 0;
  for (const name of names) {
    if (!Object.hasOwn(bits, name)) {
      const known = Object.keys(bits).join(', ');
      throw bad(operation, `${describe(name)} is no flag; use ${known}`);
    }
    flags |= bits[name];
  }
  return flags;
}

function checkBoolean(operation: string, field: string, value: unknown): void {
  if (typeof value !== 'boolean') {
    throw bad(operation, `${field} is ${describe(value)}; give true or false`);
  }
}

function bad(operation: string, message: string): DlmError {
  return new DlmError('BAD_REQUEST', operation, `${operation}: ${message}`);
}
