import { CS_ERR_NO_SECTIONS, CS_OK } from '../native/corotypes.js';
import { offThread } from '../native/off-thread.js';
import {
  CPG_ITERATION_ALL, CPG_ITERATION_NAME_ONLY, CPG_ITERATION_ONE_GROUP, CPG_MAX_NAME_LENGTH,
  CPG_MEMBERS_MAX, CPG_MODEL_V1,
} from './constants.js';
import { CpgError } from './error.js';
import type {
  CpgHandle, CpgLibrary, IterationHandle, NativeIterationDescription, NativeName,
} from './library.js';
import type { GroupListing, Member } from './port.js';
import { check, errorOf } from './status.js';

/** Most entries of one iteration: groups by members, as many as anybody could read. */
const ENTRIES_MAX = 65_536;
const ADDRESS_BYTES = 12;

/**
 * Questions to this node's corosync, each on a connection of its own, so that they never stand in
 * the way of a group's messages: libcpg has one request channel for each handle, without a lock.
 * All reject with CpgError and wait, off the main thread, for as long as corosync is stopped.
 */
export interface CpgEnquiry {
  membership(name: Uint8Array): Promise<readonly Member[]>;
  groupNames(): Promise<readonly Uint8Array[]>;
  groups(): Promise<readonly GroupListing[]>;
  membersOf(name: Uint8Array): Promise<readonly Member[]>;
  localNodeId(): Promise<number>;
}

export function enquiryOf(library: CpgLibrary): CpgEnquiry {
  return {
    membership: (name) => connected(library, (handle) => membership(library, handle, name)),
    async groupNames() {
      const entries = await connected(library, (handle) =>
        iterate(library, handle, CPG_ITERATION_NAME_ONLY, null));
      return entries.map(({ name }) => name);
    },
    async groups() {
      const entries = await connected(library, (handle) =>
        iterate(library, handle, CPG_ITERATION_ALL, null));
      return grouped(entries);
    },
    async membersOf(name) {
      const entries = await connected(library, (handle) =>
        iterate(library, handle, CPG_ITERATION_ONE_GROUP, name));
      return entries.map(({ member }) => member);
    },
    localNodeId: () => connected(library, async (handle) => {
      const nodeId: [number] = [0];
      check('cpg_local_get', await offThread(library.cpg_local_get, handle, nodeId));
      return nodeId[0];
    }),
  };
}

/** libcpg's cpg_name of these bytes, which are 128 at most. */
export function nativeName(name: Uint8Array): NativeName {
  const value = new Uint8Array(CPG_MAX_NAME_LENGTH);
  value.set(name);
  return { length: name.byteLength, value };
}

interface Entry {
  readonly name: Uint8Array;
  readonly member: Member;
}

/** Without callbacks: nothing is ever delivered to a connection that joins no group. */
const NO_CALLBACKS = {
  model: CPG_MODEL_V1, cpg_deliver_fn: null, cpg_confchg_fn: null, cpg_totem_confchg_fn: null,
  flags: 0,
};

async function connected<Answer>(
  library: CpgLibrary, ask: (handle: CpgHandle) => Promise<Answer>,
): Promise<Answer> {
  const opened: [CpgHandle | null] = [null];
  const status = await offThread(
    library.cpg_model_initialize, opened, CPG_MODEL_V1, NO_CALLBACKS, null,
  );
  check('cpg_model_initialize', status);
  const handle = opened[0] as CpgHandle;
  try {
    return await ask(handle);
  } finally {
    await offThread(library.cpg_finalize, handle);
  }
}

async function membership(
  library: CpgLibrary, handle: CpgHandle, name: Uint8Array,
): Promise<readonly Member[]> {
  // As long as libcpg's own: it writes as many as corosync says, whatever was asked for.
  const list = Buffer.alloc(CPG_MEMBERS_MAX * ADDRESS_BYTES);
  const count: [number] = [CPG_MEMBERS_MAX];
  const status = await offThread(
    library.cpg_membership_get, handle, nativeName(name), list, count,
  );
  check('cpg_membership_get', status);
  return Array.from({ length: Math.min(count[0], CPG_MEMBERS_MAX) }, (_, index) => ({
    nodeId: list.readUInt32LE(index * ADDRESS_BYTES),
    pid: list.readUInt32LE(index * ADDRESS_BYTES + 4),
  }));
}

async function iterate(
  library: CpgLibrary, handle: CpgHandle, type: number, name: Uint8Array | null,
): Promise<readonly Entry[]> {
  const opened: [IterationHandle | null] = [null];
  const group = name === null ? null : nativeName(name);
  const status = await offThread(
    library.cpg_iteration_initialize, handle, type, group, opened,
  );
  check('cpg_iteration_initialize', status);
  const iteration = opened[0] as IterationHandle;
  try {
    return await entriesOf(library, iteration);
  } finally {
    await offThread(library.cpg_iteration_finalize, iteration);
  }
}

async function entriesOf(
  library: CpgLibrary, iteration: IterationHandle,
): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const out: [NativeIterationDescription | null] = [null];
    const status = await offThread(library.cpg_iteration_next, iteration, out);
    if (status === CS_ERR_NO_SECTIONS) return entries;
    if (status !== CS_OK) throw errorOf('cpg_iteration_next', status);
    if (entries.length >= ENTRIES_MAX) throw tooMany();
    const { group, nodeid, pid } = out[0] as NativeIterationDescription;
    const name = Uint8Array.from(group.value.subarray(0, group.length));
    entries.push({ name, member: { nodeId: nodeid, pid } });
  }
}

/** Corosync lists the members of one group one after the other, but a map does not rely on it. */
function grouped(entries: readonly Entry[]): readonly GroupListing[] {
  const groups = new Map<string, { readonly name: Uint8Array; readonly members: Member[] }>();
  for (const { name, member } of entries) {
    const key = Buffer.from(name).toString('latin1');
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { name, members: [member] });
    else known.members.push(member);
  }
  return [...groups.values()];
}

function tooMany(): CpgError {
  const text = `cpg_iteration_next: more than ${ENTRIES_MAX} members; ask for one group`;
  return new CpgError('TOO_BIG', 'cpg_iteration_next', text);
}
