import type { NodeListChange, QuorumState } from '../../src/quorum/index.js';
import { eventually, type ConformanceCase } from './conformance-case.js';

export type QuorumRecord =
  | { readonly kind: 'quorum'; readonly state: QuorumState }
  | { readonly kind: 'nodelist'; readonly change: NodeListChange };

/** One process that tracks quorum. */
export interface QuorumMember {
  readonly nodeId: number;
  /** Everything since `start`. */
  records(): Promise<readonly QuorumRecord[]>;
}

/** `node` is 0, 1 or 2 of a running three-node cluster. */
export interface QuorumFixture {
  /** Starts a process on the node that opens the quorum service and starts tracking. */
  open(node: number): Promise<QuorumMember>;
  /** With the capability `power`. */
  powerOff(node: number): Promise<void>;
  close(): Promise<void>;
}

export type QuorumCapability = 'power';
type Case = ConformanceCase<QuorumFixture, QuorumCapability>;

async function latest(
  member: QuorumMember, what: string, satisfies: (state: QuorumState) => boolean,
): Promise<QuorumState> {
  const ask = async (): Promise<QuorumState | undefined> =>
    (await member.records()).flatMap((record) =>
      (record.kind === 'quorum' ? [record.state] : [])).at(-1);
  const state = await eventually(what, ask, (last) => last !== undefined && satisfies(last));
  if (state === undefined) throw new Error('just satisfied');
  return state;
}

export const quorumCases: readonly Case[] = [
  {
    title: 'after the start the current state is told: quorate, with all three nodes',
    needs: [],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const state = await latest(member, 'the state', () => true);
      assert.equal(state.quorate, true);
      assert.equal(state.nodeIds.length, 3);
      assert.deepEqual([...state.nodeIds].sort((a, b) => a - b), state.nodeIds);
      assert.ok(state.nodeIds.includes(member.nodeId));
    },
  },
  {
    title: 'two of three nodes stay quorate in a later ring, one alone does not',
    needs: ['power'],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const { nodeId } = await fixture.open(2);
      const three = await latest(member, 'three nodes', ({ nodeIds }) => nodeIds.length === 3);
      await fixture.powerOff(2);
      const two = await latest(member, 'two nodes', ({ nodeIds }) => nodeIds.length === 2);
      assert.equal(two.quorate, true);
      assert.ok(two.ring.seq > three.ring.seq);
      const change = await eventually('the node list', () => member.records(), (records) =>
        records.some((record) => record.kind === 'nodelist'
          && record.change.left.includes(nodeId) && record.change.members.length === 2));
      assert.ok(change.length > 0);
      await fixture.powerOff(1);
      const one = await latest(member, 'one node', ({ nodeIds }) => nodeIds.length === 1);
      assert.equal(one.quorate, false);
      assert.ok(one.ring.seq > two.ring.seq);
    },
  },
];
