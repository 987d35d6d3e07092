import type { Cpg, GroupView, Member, RingId } from '../../../src/cpg/index.js';
import { eventually, type ConformanceCase } from '../conformance-case.js';

export type GroupCalls = Pick<Cpg,
  'self' | 'payloadBytesMax' | 'join' | 'multicast' | 'leave' | 'close' |
  'membership' | 'groupNames' | 'groups' | 'membersOf' | 'localNodeId'>;

/** What a member was told, in the order of delivery. */
export type GroupRecord =
  | { readonly kind: 'message'; readonly from: Member; readonly payload: Uint8Array }
  | { readonly kind: 'view'; readonly view: GroupView }
  | { readonly kind: 'ring'; readonly ring: RingId; readonly nodeIds: readonly number[] }
  | { readonly kind: 'lost'; readonly code: string };

export interface GroupMember {
  readonly group: GroupCalls;
  /** Everything since it was opened. */
  records(): Promise<readonly GroupRecord[]>;
}

/** `node` is 0, 1 or 2: the first, second or third node of a running three-node cluster. */
export interface GroupFixture {
  /** From the silence of a node's corosync to the ring without it, in ms. */
  readonly silenceMs: number;
  /** Starts a process on the node that opens a group, and records from the beginning. */
  open(node: number): Promise<GroupMember>;
  /** Opens one more group in the process of that member. */
  openBeside(member: GroupMember): Promise<GroupMember>;
  /** Kills that process, and every group in it, with SIGKILL. */
  kill(member: GroupMember): Promise<void>;
  /** With the capability `power`: takes the node's power. */
  powerOff(node: number): Promise<void>;
  /** With the capability `faults`: kills the node's corosync with SIGKILL. */
  crash(node: number): Promise<void>;
  /** Likewise: ends it with SIGTERM. */
  stop(node: number): Promise<void>;
  /** Likewise: starts it again. */
  start(node: number): Promise<void>;
  /** Likewise: stops it with SIGSTOP; its clients may stand still with it. */
  pause(node: number): Promise<void>;
  /** Likewise: SIGCONT. */
  resume(node: number): Promise<void>;
  /** Likewise: cuts the node off from the others. */
  cut(node: number): Promise<void>;
  /** Likewise: ends every cut. */
  heal(): Promise<void>;
  /** A group name that was not used before, of less than 100 bytes. */
  freshName(): string;
  close(): Promise<void>;
}

export type GroupCapability = 'power' | 'faults';
export type GroupCase = ConformanceCase<GroupFixture, GroupCapability>;
export type Three = [GroupMember, GroupMember, GroupMember];

export function isSame(a: Member, b: Member): boolean {
  return a.nodeId === b.nodeId && a.pid === b.pid;
}

/** The messages as `nodeid/pid text`. */
export function textsOf(records: readonly GroupRecord[]): readonly string[] {
  return records.flatMap((record) => record.kind === 'message' ? [textOf(record)] : []);
}

export function textOf(record: Extract<GroupRecord, { kind: 'message' }>): string {
  const { from, payload } = record;
  return `${from.nodeId}/${from.pid} ${Buffer.from(payload).toString()}`;
}

export function viewsOf(records: readonly GroupRecord[]): readonly GroupView[] {
  return records.flatMap((record) => (record.kind === 'view' ? [record.view] : []));
}

/**
 * One line for each record that all members must be told alike: messages, and views by node id
 * (`[1 2] -3 leave +`). Rings are left out: nodes that stay together may form one twice.
 */
export function linesOf(records: readonly GroupRecord[]): readonly string[] {
  return records.flatMap((record) => {
    if (record.kind === 'message') return [textOf(record)];
    return record.kind === 'view' ? [viewLine(record.view)] : [];
  });
}

export function viewLine({ members, left, joined }: GroupView): string {
  const ids = members.map(({ nodeId }) => nodeId).sort((a, b) => a - b).join(' ');
  const changes = (list: GroupView['left']): string =>
    list.map(({ nodeId, reason }) => `${nodeId} ${reason}`).sort().join(', ');
  return `view [${ids}] left [${changes(left)}] joined [${changes(joined)}]`;
}

/** As `linesOf`, with the rings as `ring [1 2]`; a ring formed twice in a row counts once. */
export function historyOf(records: readonly GroupRecord[]): readonly string[] {
  const lines = records.map((record) => {
    if (record.kind === 'ring') {
      return `ring [${[...record.nodeIds].sort((a, b) => a - b).join(' ')}]`;
    }
    return record.kind === 'lost' ? `lost ${record.code}` : linesOf([record])[0] ?? '';
  });
  return lines.filter((line, index) => !line.startsWith('ring') || line !== lines[index - 1]);
}

export async function seesMembers(member: GroupMember, count: number): Promise<void> {
  await eventually(`${count} members`, () => member.records(), (records) =>
    viewsOf(records).at(-1)?.members.length === count);
}

/** Waits until the member was told that text `count` times or more, by whomever. */
export async function hears(
  member: GroupMember, text: string, count = 1,
): Promise<readonly GroupRecord[]> {
  return eventually(`the message ${text}`, () => member.records(), (records) =>
    textsOf(records).filter((line) => line.endsWith(` ${text}`)).length >= count);
}

/** Waits for a line of the history from the `from`th on; gives the history from there. */
export async function untilLine(
  member: GroupMember, line: string, from = 0,
): Promise<readonly string[]> {
  return eventually(line, async () => historyOf(await member.records()).slice(from),
    (history) => history.includes(line));
}

/** Three members, one per node, that have all seen each other and their rings. */
export async function joinThree(fixture: GroupFixture): Promise<Three> {
  const name = fixture.freshName();
  const members: Three = [await fixture.open(0), await fixture.open(1), await fixture.open(2)];
  for (const member of members) await member.group.join(name);
  for (const member of members) {
    await seesMembers(member, 3);
    await eventually('a ring', () => member.records(), (all) =>
      all.some(({ kind }) => kind === 'ring'));
  }
  return members;
}

/** How much of each member's history there is by now, to look only at what follows. */
export function marksOf(members: readonly GroupMember[]): Promise<readonly number[]> {
  return Promise.all(members.map(async (member) => historyOf(await member.records()).length));
}

/** The first view that says that `gone` has left, and what came before it. */
export async function departure(witness: GroupMember, gone: Member) {
  const isIt = (record: GroupRecord): boolean => record.kind === 'view'
    && record.view.left.some((change) => isSame(change, gone));
  const records = await eventually('the departure', () => witness.records(), (all) => all.some(isIt));
  const index = records.findIndex(isIt);
  const record = records[index];
  if (record?.kind !== 'view') throw new Error('just found');
  return { view: record.view, before: records.slice(0, index), after: records.slice(index + 1) };
}

/** Sends these texts one after the other, without waiting for one before the next. */
export function sendAll(member: GroupMember, texts: readonly string[]): Promise<unknown> {
  return Promise.all(texts.map((text) => member.group.multicast(Buffer.from(text))));
}

export function numbered(count: number, prefix = ''): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}
