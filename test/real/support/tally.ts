import { createHash } from 'node:crypto';
import type { Group, Member } from '../../../src/cpg/index.js';

/** Between them every member counts; each is one message of the group, whoever sends it. */
export const TALLY_BEGIN = 'tally: begin';
export const TALLY_END = 'tally: end';

/** What a member heard between the marks. Members that agree on the order have equal hashes. */
export interface Tally {
  readonly ended: boolean;
  readonly messages: number;
  readonly bytes: number;
  /** By `nodeid/pid`. */
  readonly bySender: Readonly<Record<string, number>>;
  /** Of all senders, lengths and contents, in order. */
  readonly hash: string;
  /** Messages of other senders than this process since it was opened, marks or not. */
  readonly foreign: number;
}

/** Counts in the member's own process: a flood is too much to be told to the test. */
export function tallyOf(group: Group): () => Tally {
  const hash = createHash('sha256');
  const bySender: Record<string, number> = {};
  let [state, messages, bytes, foreign] = ['before', 0, 0, 0];
  const add = (from: Member, payload: Uint8Array): void => {
    const sender = `${from.nodeId}/${from.pid}`;
    bySender[sender] = (bySender[sender] ?? 0) + 1;
    messages += 1;
    bytes += payload.byteLength;
    hash.update(`${sender} ${payload.byteLength} `).update(payload);
  };
  group.on('message', (from, payload) => {
    if (from.nodeId !== group.self.nodeId || from.pid !== group.self.pid) foreign += 1;
    const text = payload.byteLength <= 16 ? Buffer.from(payload).toString() : '';
    if (text === TALLY_BEGIN) state = 'counting';
    else if (text === TALLY_END) state = 'ended';
    else if (state === 'counting') add(from, payload);
  });
  return () => ({
    ended: state === 'ended', messages, bytes, bySender: { ...bySender }, foreign,
    hash: hash.copy().digest('hex'),
  });
}
