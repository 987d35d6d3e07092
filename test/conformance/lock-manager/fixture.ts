import type {
  ClusterView, LockMode, Lockspace, LockspaceState, LockValue, OpenRequest, StalledOperation,
} from '../../../src/dlm/index.js';
import type { Assert, ConformanceCase } from '../conformance-case.js';

/** The calls of an open lockspace; on another machine a proxy forwards them. */
export type LockspaceCalls = Pick<Lockspace,
  'take' | 'convert' | 'cancel' | 'deadlockCancel' | 'unlock' | 'adopt' | 'purge' | 'localLocks'
  | 'resources' | 'replyWaits' | 'versions' | 'release' | 'close'>;

/** One process with the lockspace open. */
export interface LockMember {
  readonly lockspace: LockspaceCalls;
  /** The modes of all blocking notices so far, in order; null where the side cannot know it. */
  blockings(): Promise<readonly (LockMode | null)[]>;
  /** What was reported as stalled so far, in order. */
  stalls(): Promise<readonly (readonly StalledOperation[])[]>;
  state(): Promise<LockspaceState>;
  clusterView(): Promise<ClusterView>;
}

/** `node` is 0, 1 or 2: the first, second or third node of a running three-node cluster. */
export interface LockManagerFixture {
  /** Starts a process on the node that opens the lockspace, by default the fixture's own. */
  start(node: number, lockspace?: string, request?: OpenRequest): Promise<LockMember>;
  /** Kills that process and its child with SIGKILL; resolves when they are gone. */
  kill(member: LockMember): Promise<void>;
  /** The number by which corosync and the kernel know the node. */
  nodeId(node: number): number;
  /** With the capability `power`: takes the node's power, which counts as fencing once known. */
  powerOff(node: number): Promise<void>;
  /** With `power`: no node can be fenced from now on. */
  withholdFencing(): Promise<void>;
  /** With `power`: ends `withholdFencing`. */
  allowFencing(): Promise<void>;
  /** A resource or lockspace name that was not used before. */
  freshName(): string;
  close(): Promise<void>;
}

export type LockCapability = 'power';
/** One sentence about the lock manager. */
export type Case = ConformanceCase<LockManagerFixture, LockCapability>;

/** Weakest first. */
export const MODES: readonly LockMode[] = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'];
/** Row: granted, column: requested, in the order of MODES. */
const MATRIX = ['111111', '111110', '111000', '110100', '110000', '100000'];
/** How long a request must stay pending to count as waiting, in ms. */
export const WAITING_MS = 150;

/** Whether locks in these modes may be granted at once. */
export function isCompatible(granted: LockMode, requested: LockMode): boolean {
  return MATRIX[MODES.indexOf(granted)]?.[MODES.indexOf(requested)] === '1';
}

/** Takes a lock and awaits it. */
export async function take(member: LockMember, resource: string, mode: LockMode, wait = false) {
  const { id, granted } = member.lockspace.take({ resource, mode, wait });
  await granted;
  return id;
}

/** Kills the member and starts another on that node. */
export async function restart(fixture: LockManagerFixture, member: LockMember, node: number) {
  await fixture.kill(member);
  return fixture.start(node);
}

/** The node's kernel has no lock on it. */
export async function assertNothingLeft(member: LockMember, resource: string, assert: Assert) {
  const locks = await member.lockspace.localLocks();
  assert.deepEqual(locks.filter((lock) => lock.resource === resource), []);
}

/** 32 bytes that begin with this text. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes.set(Buffer.from(text));
  return bytes;
}

/** A value block for a comparison: its text, or `(zeros)`, and whether it is valid. */
export function textOf(value: LockValue | null): string {
  if (value === null) return 'nothing';
  const text = Buffer.from(value.bytes).toString('latin1').replace(/\0+$/, '');
  return `${text === '' ? '(zeros)' : text} ${value.valid ? 'valid' : 'invalid'}`;
}

/** Takes the lock, reads the value with it, and unlocks. */
export async function read(
  member: LockMember, resource: string, mode: LockMode, wait = false,
): Promise<string> {
  const { id, granted } = member.lockspace.take({
    resource, mode, wait, persistent: false, value: 'read',
  });
  const { value } = await granted;
  await member.lockspace.unlock(id);
  return textOf(value);
}

/** This node's locks on the resource, as `MODE` or `MODE>MODE`, sorted. */
export async function holders(member: LockMember, resource: string): Promise<string> {
  const locks = (await member.lockspace.localLocks()).filter((lock) => lock.resource === resource);
  return locks.map(({ granted, requested }) =>
    requested === null ? granted : `${granted}>${requested}`).sort().join(' ');
}
