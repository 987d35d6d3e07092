import type { NodeListChange, Quorum, QuorumState } from '../../src/quorum/index.js';
import { eventually, outcomeOf, pause, type ConformanceCase } from './conformance-case.js';

export type QuorumRecord =
  | { readonly kind: 'quorum'; readonly state: QuorumState }
  | { readonly kind: 'nodelist'; readonly change: NodeListChange }
  | { readonly kind: 'lost'; readonly code: string };

/** One process with the quorum service of its node open; it does not track yet. */
export interface QuorumMember {
  readonly nodeId: number;
  readonly quorum: Quorum;
  /** Everything since it was opened. */
  records(): Promise<readonly QuorumRecord[]>;
}

/** `node` is 0, 1 or 2 of a running three-node cluster. */
export interface QuorumFixture {
  /** Starts a process on the node that opens the quorum service. */
  open(node: number): Promise<QuorumMember>;
  /** With the capability `power`. */
  powerOff(node: number): Promise<void>;
  /** With the capability `power`: the node's corosync starts again. */
  powerOn(node: number): Promise<void>;
  /** With the capability `power`: corosync stops in order, the node stays. */
  stopCorosync(node: number): Promise<void>;
  /** With the capability `power`. */
  cut(node: number): Promise<void>;
  /** With the capability `power`. */
  heal(node: number): Promise<void>;
  close(): Promise<void>;
}

export type QuorumCapability = 'power';
type Case = ConformanceCase<QuorumFixture, QuorumCapability>;

async function statesOf(member: QuorumMember): Promise<readonly QuorumState[]> {
  return (await member.records()).flatMap((one) => (one.kind === 'quorum' ? [one.state] : []));
}

async function listsOf(member: QuorumMember): Promise<readonly NodeListChange[]> {
  return (await member.records()).flatMap((one) => (one.kind === 'nodelist' ? [one.change] : []));
}

/** Waits for the latest state to be like that. */
async function latest(
  member: QuorumMember, what: string, satisfies: (state: QuorumState) => boolean,
): Promise<QuorumState> {
  const ask = async (): Promise<QuorumState | undefined> => (await statesOf(member)).at(-1);
  const state = await eventually(what, ask, (last) => last !== undefined && satisfies(last));
  if (state === undefined) throw new Error('just satisfied');
  return state;
}

async function tracking(fixture: QuorumFixture, node: number): Promise<QuorumMember> {
  const member = await fixture.open(node);
  await member.quorum.start();
  await latest(member, 'the first state', () => true);
  return member;
}

function ofSize(size: number): (state: QuorumState) => boolean {
  return ({ nodeIds }) => nodeIds.length === size;
}

/** Who left and joined, list by list; only those that changed anything. */
function movesOf(lists: readonly NodeListChange[]): readonly string[] {
  return lists.filter(({ left, joined }) => left.length + joined.length > 0)
    .map(({ members, left, joined }) =>
      `[${members.join(' ')}] -[${left.join(' ')}] +[${joined.join(' ')}]`);
}

/**
 * The same without the detours of a merge: while rings merge, those who stayed together may for a
 * moment lose each other too, and corosync then tells one as left and joined in the same change.
 */
function netMovesOf(lists: readonly NodeListChange[]): readonly string[] {
  return movesOf(lists.map((list) => {
    const back = list.left.filter((node) => list.joined.includes(node));
    const others = (nodes: readonly number[]) => nodes.filter((node) => !back.includes(node));
    return { ...list, left: others(list.left), joined: others(list.joined) };
  }));
}

/** Who is there once these have left and those have joined. */
function membersAfter(
  before: readonly number[], { left, joined }: NodeListChange,
): readonly number[] {
  const stayed = before.filter((node) => !left.includes(node));
  return [...new Set([...stayed, ...joined])].sort((one, other) => one - other);
}

const steady: readonly Case[] = [
  {
    title: 'after the start the current state is told: quorate, with all three nodes',
    needs: [],
    async run(fixture, assert) {
      const member = await tracking(fixture, 0);
      const state = await latest(member, 'the state', () => true);
      assert.equal(state.quorate, true);
      assert.equal(state.nodeIds.length, 3);
      assert.deepEqual([...state.nodeIds].sort((a, b) => a - b), state.nodeIds);
      assert.ok(state.nodeIds.includes(member.nodeId));
    },
  },
  {
    title: 'the first news are one node list without changes and one state, of the same ring',
    needs: [],
    async run(fixture, assert) {
      const member = await tracking(fixture, 0);
      await pause(50);
      const records = await member.records();
      assert.deepEqual(records.map(({ kind }) => kind), ['nodelist', 'quorum']);
      const [list] = await listsOf(member);
      const [state] = await statesOf(member);
      assert.deepEqual([list?.joined, list?.left], [[], []]);
      assert.deepEqual(list?.members, state?.nodeIds);
      assert.deepEqual(list?.ring, state?.ring);
    },
  },
  {
    title: 'quorum can be asked for at any time, tracking or not',
    needs: [],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const { quorum } = member;
      assert.equal(await quorum.isQuorate(), true);
      assert.deepEqual(await member.records(), []);
      await quorum.start();
      assert.equal(await quorum.isQuorate(), true);
      await quorum.stop();
      assert.equal(await quorum.isQuorate(), true);
    },
  },
  {
    title: 'tracking can be stopped and started again, which tells the state anew',
    needs: [],
    async run(fixture, assert) {
      const member = await tracking(fixture, 0);
      await member.quorum.start();
      await member.quorum.stop();
      await member.quorum.stop();
      const before = (await statesOf(member)).length;
      await member.quorum.start();
      const states = await eventually('the state anew', () => statesOf(member),
        (all) => all.length > before);
      assert.equal(before, 1);
      assert.deepEqual(states[1], states[0]);
    },
  },
  {
    title: 'closing the quorum connection ends everything, twice as well as once',
    needs: [],
    async run(fixture, assert) {
      const { quorum } = await tracking(fixture, 0);
      await quorum.close();
      await quorum.close();
      assert.equal(await outcomeOf(quorum.start()), 'CLOSED');
      assert.equal(await outcomeOf(quorum.stop()), 'CLOSED');
      assert.equal(await outcomeOf(quorum.isQuorate()), 'CLOSED');
    },
  },
];

const changing: readonly Case[] = [
  {
    title: 'two of three nodes stay quorate in a later ring, one alone does not',
    needs: ['power'],
    async run(fixture, assert) {
      const member = await tracking(fixture, 0);
      const { nodeId } = await fixture.open(2);
      const three = await latest(member, 'three nodes', ofSize(3));
      await fixture.powerOff(2);
      const two = await latest(member, 'two nodes', ofSize(2));
      assert.equal(two.quorate, true);
      assert.ok(two.ring.seq > three.ring.seq);
      assert.ok((await listsOf(member)).some(({ left, members }) =>
        left.includes(nodeId) && members.length === 2));
      await fixture.powerOff(1);
      const one = await latest(member, 'one node', ofSize(1));
      assert.equal(one.quorate, false);
      assert.equal(await member.quorum.isQuorate(), false);
      assert.ok(one.ring.seq > two.ring.seq);
    },
  },
  {
    title: 'a node that dies and returns stands in left once and then in joined once',
    needs: ['power'],
    async run(fixture, assert) {
      const member = await tracking(fixture, 0);
      const [a, b] = [member.nodeId, (await fixture.open(1)).nodeId];
      const c = (await fixture.open(2)).nodeId;
      await fixture.powerOff(2);
      await latest(member, 'two nodes', ofSize(2));
      await fixture.powerOn(2);
      await latest(member, 'three nodes again', ofSize(3));
      assert.deepEqual(movesOf(await listsOf(member)), [
        `[${a} ${b}] -[${c}] +[]`, `[${a} ${b} ${c}] -[] +[${c}]`,
      ]);
      // Each list is followed by the state of its ring.
      const records = await member.records();
      for (const [index, record] of records.entries()) {
        const next = records[index + 1];
        if (record.kind !== 'nodelist' || next === undefined) continue;
        assert.equal(next.kind === 'quorum' && next.state.ring.seq, record.change.ring.seq);
      }
    },
  },
  {
    title: 'a node that is cut off sees the others leave, they see it leave, and all see the return',
    needs: ['power'],
    async run(fixture, assert) {
      const [near, far] = [await tracking(fixture, 0), await tracking(fixture, 2)];
      const other = await tracking(fixture, 1);
      const [a, b, c] = [near.nodeId, other.nodeId, far.nodeId];
      await fixture.cut(2);
      const [two, one] = [
        await latest(near, 'two nodes', ofSize(2)), await latest(far, 'one node', ofSize(1)),
      ];
      assert.deepEqual([two.quorate, one.quorate], [true, false]);
      assert.equal(await far.quorum.isQuorate(), false);
      await fixture.heal(2);
      for (const member of [near, other, far]) {
        const whole = await latest(member, 'all nodes again', ofSize(3));
        assert.equal(whole.quorate, true);
        assert.ok(whole.ring.seq > two.ring.seq && whole.ring.seq > one.ring.seq);
      }
      const cut = `[${a} ${b}] -[${c}] +[]`;
      for (const [member, first] of [
        [near, cut], [other, cut], [far, `[${c}] -[${a} ${b}] +[]`],
      ] as const) {
        const lists = await listsOf(member);
        assert.equal(netMovesOf(lists)[0], first);
        // On the way back there may be rings of some of them.
        for (const [index, list] of lists.slice(1).entries()) {
          assert.deepEqual(membersAfter(lists[index]?.members ?? [], list), list.members);
        }
        assert.deepEqual(lists.at(-1)?.members, [a, b, c]);
      }
    },
  },
  {
    title: 'a corosync that stops in order leaves the others quorate and loses its own clients once',
    needs: ['power'],
    async run(fixture, assert) {
      const [stays, stopped, idle] = [
        await tracking(fixture, 0), await tracking(fixture, 2), await fixture.open(2),
      ];
      await fixture.stopCorosync(2);
      const two = await latest(stays, 'two nodes', ofSize(2));
      assert.equal(two.quorate, true);
      for (const member of [stopped, idle]) {
        await eventually('the loss', () => member.records(), (records) =>
          records.some(({ kind }) => kind === 'lost'));
        assert.equal(await outcomeOf(member.quorum.start()), 'LOST');
        assert.equal(await outcomeOf(member.quorum.isQuorate()), 'LOST');
        await pause(50);
        const codes = (await member.records())
          .flatMap((one) => (one.kind === 'lost' ? [one.code] : []));
        assert.deepEqual(codes, ['LOST']);
        assert.equal((await member.records()).at(-1)?.kind, 'lost');
      }
    },
  },
];

export const quorumCases: readonly Case[] = [...steady, ...changing];
