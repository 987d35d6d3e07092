import type { LockMode, Lockspace, LockspaceState } from '../../src/dlm/index.js';
import {
  eventually, outcomeOf, outcomeWithin, type Assert, type ConformanceCase,
} from './conformance-case.js';

/** The calls of an open lockspace; on another machine a proxy forwards them. */
export type LockspaceCalls = Pick<Lockspace,
  'take' | 'convert' | 'cancel' | 'unlock' | 'adopt' | 'localLocks' | 'release' | 'close'>;

/** One process with the lockspace open. */
export interface LockMember {
  readonly lockspace: LockspaceCalls;
  /** The modes of all blocking notices so far, in order; null where the side cannot know it. */
  blockings(): Promise<readonly (LockMode | null)[]>;
  state(): Promise<LockspaceState>;
}

/** `node` is 0, 1 or 2: the first, second or third node of a running three-node cluster. */
export interface LockManagerFixture {
  /** Starts a process on the node that opens the lockspace, by default the fixture's own. */
  start(node: number, lockspace?: string): Promise<LockMember>;
  /** Kills that process and its child with SIGKILL; resolves when they are gone. */
  kill(member: LockMember): Promise<void>;
  /** With the capability `power`: takes the node's power, which counts as fencing. */
  powerOff(node: number): Promise<void>;
  /** A resource or lockspace name that was not used before. */
  freshName(): string;
  close(): Promise<void>;
}

export type LockCapability = 'power';
type Case = ConformanceCase<LockManagerFixture, LockCapability>;

const MODES: readonly LockMode[] = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'];
/** Row: granted, column: requested, in the order of MODES. */
const MATRIX = ['111111', '111110', '111000', '110100', '110000', '100000'];
/** How long a request must stay pending to count as waiting, in ms. */
const WAITING_MS = 150;

function isCompatible(granted: LockMode, requested: LockMode): boolean {
  return MATRIX[MODES.indexOf(granted)]?.[MODES.indexOf(requested)] === '1';
}

async function take(member: LockMember, resource: string, mode: LockMode, wait = false) {
  const { id, granted } = member.lockspace.take({ resource, mode, wait });
  await granted;
  return id;
}

/** Kills the member, which holds `resource` in `mode`, and starts another on that node. */
async function restart(fixture: LockManagerFixture, member: LockMember, node: number) {
  await fixture.kill(member);
  return fixture.start(node);
}

async function assertNothingLeft(member: LockMember, resource: string, assert: Assert) {
  const locks = await member.lockspace.localLocks();
  assert.deepEqual(locks.filter((lock) => lock.resource === resource), []);
}

export const lockManagerCases: readonly Case[] = [
  {
    title: 'every pair of modes is granted on two nodes at once, or refused, as the matrix says',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      for (const held of MODES) {
        const id = await take(one, resource, held);
        for (const asked of MODES) {
          const request = two.lockspace.take({ resource, mode: asked, wait: false });
          const expected = isCompatible(held, asked) ? 'ok' : 'WOULD_BLOCK';
          assert.equal(await outcomeOf(request.granted), expected, `${asked} beside ${held}`);
          if (expected === 'ok') await two.lockspace.unlock(request.id);
        }
        await one.lockspace.unlock(id);
      }
    },
  },
  {
    title: 'a convert is granted, or refused with the old mode kept, as the matrix says',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      for (const other of MODES) {
        const otherId = await take(two, resource, other);
        for (const from of MODES.filter((mode) => isCompatible(other, mode))) {
          for (const to of MODES) {
            const id = await take(one, resource, from);
            const converted = one.lockspace.convert(id, { mode: to, wait: false });
            const expected = isCompatible(other, to) ? 'ok' : 'WOULD_BLOCK';
            const what = `${from} to ${to} beside ${other}`;
            assert.equal(await outcomeOf(converted), expected, what);
            const locks = await one.lockspace.localLocks();
            const mine = locks.find((lock) => lock.resource === resource);
            assert.equal(mine?.granted, expected === 'ok' ? to : from, what);
            await one.lockspace.unlock(id);
          }
        }
        await two.lockspace.unlock(otherId);
      }
    },
  },
  {
    title: 'a waiting take is granted when the holder unlocks, and the holder is told before',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const waiting = two.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      await eventually('a blocking notice', () => one.blockings(), (modes) =>
        modes.includes('EX') || modes.includes(null));
      const seen = (await two.lockspace.localLocks()).find((lock) => lock.resource === resource);
      assert.equal(seen?.status, 'converting');
      assert.equal(seen?.granted, 'NL');
      assert.equal(seen?.requested, 'EX');
      await one.lockspace.unlock(id);
      assert.equal(await outcomeOf(waiting.granted), 'ok');
      await two.lockspace.unlock(waiting.id);
    },
  },
  {
    title: 'exclusive takes that wait are granted in the order in which they began to wait',
    needs: [],
    async run(fixture, assert) {
      const members = [await fixture.start(0), await fixture.start(1), await fixture.start(2)];
      const resource = fixture.freshName();
      const [one] = members;
      if (one === undefined) throw new Error('three members were started');
      const first = await take(one, resource, 'EX');
      const order: number[] = [];
      const done: Promise<void>[] = [];
      for (const [index, member] of [...members, ...members].entries()) {
        const waiting = member.lockspace.take({ resource, mode: 'EX', wait: true });
        done.push(waiting.granted.then(() => {
          order.push(index);
          return member.lockspace.unlock(waiting.id);
        }));
        assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      }
      await one.lockspace.unlock(first);
      await Promise.all(done);
      assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
    },
  },
  {
    title: 'a take that does not wait is refused at once also while another waits',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const waiting = two.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      const refused = three.lockspace.take({ resource, mode: 'EX', wait: false });
      assert.equal(await outcomeOf(refused.granted), 'WOULD_BLOCK');
      await one.lockspace.unlock(id);
      assert.equal(await outcomeOf(waiting.granted), 'ok');
      await two.lockspace.unlock(waiting.id);
    },
  },
  {
    title: 'a reader that waits does not pass a writer that waits already',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const three = await fixture.start(2);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'PR');
      const writer = two.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(writer.granted, WAITING_MS), 'pending');
      const reader = three.lockspace.take({ resource, mode: 'PR', wait: true });
      assert.equal(await outcomeWithin(reader.granted, WAITING_MS), 'pending');
      await one.lockspace.unlock(id);
      assert.equal(await outcomeOf(writer.granted), 'ok');
      assert.equal(await outcomeWithin(reader.granted, WAITING_MS), 'pending');
      await two.lockspace.unlock(writer.id);
      assert.equal(await outcomeOf(reader.granted), 'ok');
      await three.lockspace.unlock(reader.id);
    },
  },
  {
    title: 'a cancelled take leaves nothing behind',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'EX');
      const waiting = two.lockspace.take({ resource, mode: 'PR', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      await two.lockspace.cancel(waiting.id);
      assert.equal(await outcomeOf(waiting.granted), 'CANCELED');
      await assertNothingLeft(two, resource, assert);
      assert.equal(await outcomeOf(two.lockspace.unlock(waiting.id)), 'UNKNOWN_LOCK');
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'a refused take leaves nothing behind',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const id = await take(one, resource, 'PR');
      const refused = two.lockspace.take({ resource, mode: 'EX', wait: false });
      assert.equal(await outcomeOf(refused.granted), 'WOULD_BLOCK');
      await assertNothingLeft(two, resource, assert);
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'a cancelled convert keeps the old mode',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const first = await take(one, resource, 'PR');
      const second = await take(two, resource, 'PR');
      const converted = one.lockspace.convert(first, { mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(converted, WAITING_MS), 'pending');
      await one.lockspace.cancel(first);
      assert.equal(await outcomeOf(converted), 'CANCELED');
      const mine = (await one.lockspace.localLocks()).find((lock) => lock.resource === resource);
      assert.equal(mine?.granted, 'PR');
      assert.equal(mine?.status, 'granted');
      await one.lockspace.unlock(first);
      await two.lockspace.unlock(second);
    },
  },
  {
    title: 'two holders that both wait for more are told of the deadlock',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      const first = await take(one, resource, 'PR');
      const second = await take(two, resource, 'PR');
      const upward = one.lockspace.convert(first, { mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(upward, WAITING_MS), 'pending');
      const blocked = two.lockspace.convert(second, { mode: 'EX', wait: true });
      assert.equal(await outcomeOf(blocked), 'DEADLOCK');
      await two.lockspace.unlock(second);
      assert.equal(await outcomeOf(upward), 'ok');
      await one.lockspace.unlock(first);
    },
  },
  ...MODES.map((mode): Case => ({
    title: `a lock in ${mode} outlives its process as an orphan and is adopted in that mode only`,
    needs: [],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const other = await fixture.start(1);
      const killed = await fixture.start(0);
      await take(killed, resource, mode);
      const next = await restart(fixture, killed, 0);
      const orphan = await eventually('the orphan', async () =>
        (await next.lockspace.localLocks()).find((lock) => lock.resource === resource),
        (lock) => lock?.orphan === true);
      assert.equal(orphan?.granted, mode);
      const request = other.lockspace.take({ resource, mode: 'EX', wait: false });
      const excluded = isCompatible(mode, 'EX') ? 'ok' : 'WOULD_BLOCK';
      assert.equal(await outcomeOf(request.granted), excluded);
      if (excluded === 'ok') await other.lockspace.unlock(request.id);
      for (const wrong of MODES.filter((candidate) => candidate !== mode)) {
        const adoption = next.lockspace.adopt({ resource, mode: wrong });
        assert.equal(await outcomeOf(adoption), 'OTHER_MODE', wrong);
      }
      assert.equal(await outcomeOf(other.lockspace.adopt({ resource, mode })), 'NO_ORPHAN');
      const id = await next.lockspace.adopt({ resource, mode });
      const locks = await next.lockspace.localLocks();
      const adopted = locks.find((lock) => lock.resource === resource);
      assert.equal(adopted?.granted, mode);
      assert.equal(await outcomeOf(next.lockspace.adopt({ resource, mode })), 'NO_ORPHAN');
      await next.lockspace.unlock(id);
      await assertNothingLeft(next, resource, assert);
      const freed = await take(other, resource, 'EX');
      await other.lockspace.unlock(freed);
    },
  })),
  {
    title: 'an adopted lock is persistent again: a second death leaves an orphan',
    needs: [],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const killed = await fixture.start(0);
      await take(killed, resource, 'EX');
      const second = await restart(fixture, killed, 0);
      await eventually('the adoption', () =>
        outcomeOf(second.lockspace.adopt({ resource, mode: 'EX' })), (how) => how === 'ok');
      const third = await restart(fixture, second, 0);
      await eventually('the orphan', () => third.lockspace.localLocks(), (locks) =>
        locks.some((lock) => lock.resource === resource && lock.orphan));
      const id = await third.lockspace.adopt({ resource, mode: 'EX' });
      await third.lockspace.unlock(id);
      await assertNothingLeft(third, resource, assert);
    },
  },
  {
    title: 'adopting what never existed is refused with NO_ORPHAN',
    needs: [],
    async run(fixture, assert) {
      const { lockspace } = await fixture.start(0);
      const adoption = lockspace.adopt({ resource: fixture.freshName(), mode: 'EX' });
      assert.equal(await outcomeOf(adoption), 'NO_ORPHAN');
    },
  },
  {
    title: 'a take that was waiting when its process died leaves an NL orphan that excludes nobody',
    needs: [],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const holder = await fixture.start(1);
      const killed = await fixture.start(0);
      const held = await take(holder, resource, 'EX');
      const waiting = killed.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      const next = await restart(fixture, killed, 0);
      await eventually('the orphan at rest', () => next.lockspace.localLocks(), (locks) =>
        locks.some((lock) => lock.resource === resource && lock.orphan
          && lock.status === 'granted' && lock.granted === 'NL'));
      await holder.lockspace.unlock(held);
      const again = await take(holder, resource, 'EX');
      await holder.lockspace.unlock(again);
      const id = await next.lockspace.adopt({ resource, mode: 'NL' });
      await next.lockspace.unlock(id);
      await assertNothingLeft(next, resource, assert);
    },
  },
  {
    title: 'a lockspace with an orphan in it is not released, and an empty one is',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const resource = fixture.freshName();
      const killed = await fixture.start(0, name);
      await take(killed, resource, 'EX');
      await fixture.kill(killed);
      const next = await fixture.start(0, name);
      assert.equal(await outcomeOf(next.lockspace.release()), 'LOCKSPACE_BUSY');
      const id = await next.lockspace.adopt({ resource, mode: 'EX' });
      assert.equal(await outcomeOf(next.lockspace.release()), 'LOCKSPACE_BUSY');
      await next.lockspace.unlock(id);
      await next.lockspace.release();
      await eventually('the lockspace gone', () => next.state(), ({ kind }) => kind === 'absent');
    },
  },
  {
    title: 'a node without power keeps its lock until the others have recovered, then it is free',
    needs: ['power'],
    async run(fixture, assert) {
      const resource = fixture.freshName();
      const dying = await fixture.start(2);
      const other = await fixture.start(0);
      await take(dying, resource, 'EX');
      const waiting = other.lockspace.take({ resource, mode: 'EX', wait: true });
      assert.equal(await outcomeWithin(waiting.granted, WAITING_MS), 'pending');
      const before = await other.state();
      assert.equal(before.kind, 'running');
      await fixture.powerOff(2);
      await eventually('the grant', () => outcomeWithin(waiting.granted, 0), (how) => how === 'ok');
      const after = await eventually('it runs', () => other.state(), ({ kind }) => kind === 'running');
      if (before.kind !== 'running' || after.kind !== 'running') throw new Error('not running');
      assert.equal(after.members.length, before.members.length - 1);
      await other.lockspace.unlock(waiting.id);
    },
  },
];
