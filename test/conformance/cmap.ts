import {
  readClusterFacts, type Cmap, type CmapChange, type CmapValue,
} from '../../src/cmap/index.js';
import { eventually, outcomeOf, pause, type Assert, type ConformanceCase } from './conformance-case.js';

export type CmapRecord =
  | { readonly kind: 'changed'; readonly change: CmapChange; readonly tracker: number }
  | { readonly kind: 'lost'; readonly code: string };

/** One process with the configuration map of its node open. */
export interface CmapMember {
  readonly nodeId: number;
  readonly cmap: Cmap;
  records(): Promise<readonly CmapRecord[]>;
}

/** `node` is 0, 1 or 2 of a running three-node cluster. */
export interface CmapFixture {
  open(node: number): Promise<CmapMember>;
  /** With the capability `power`. */
  powerOff(node: number): Promise<void>;
  /** With the capability `power`: the node's corosync starts again. */
  powerOn(node: number): Promise<void>;
  /** A prefix that nobody has used, with its dot. */
  freshName(): string;
  close(): Promise<void>;
}

export type CmapCapability = 'power';
type Case = ConformanceCase<CmapFixture, CmapCapability>;

type Whole = Extract<CmapValue, { readonly value: number | bigint }>;

const WHOLE: readonly Whole[] = [
  { type: 'int8', value: -128 }, { type: 'uint8', value: 255 },
  { type: 'int16', value: -32_768 }, { type: 'uint16', value: 65_535 },
  { type: 'int32', value: -(2 ** 31) }, { type: 'uint32', value: 2 ** 32 - 1 },
  { type: 'int64', value: -(2n ** 63n) }, { type: 'uint64', value: 2n ** 64n - 1n },
];

const VALUES: readonly CmapValue[] = [
  ...WHOLE,
  { type: 'int64', value: 5n }, { type: 'uint64', value: 7n },
  { type: 'float', value: -0.5 }, { type: 'double', value: 1e300 },
  { type: 'string', value: '' }, { type: 'string', value: 'Grüße, 山' },
  { type: 'string', value: 'x'.repeat(16_383) },
  { type: 'binary', value: new Uint8Array(0) },
  { type: 'binary', value: Uint8Array.of(0, 1, 0, 255) },
  { type: 'binary', value: new Uint8Array(16_384).fill(7) },
];

/** Bytes come back as Uint8Array or Buffer; only what they say counts. */
function plain(value: CmapValue): unknown {
  return value.type === 'binary' ? { type: value.type, value: [...value.value] } : value;
}

function string(value: string): CmapValue {
  return { type: 'string', value };
}

async function changesOf(member: CmapMember, tracker: number): Promise<readonly CmapChange[]> {
  return (await member.records()).flatMap((record) =>
    (record.kind === 'changed' && record.tracker === tracker ? [record.change] : []));
}

/** Waits for that many changes of a tracker, then a little for one too many. */
async function settled(
  member: CmapMember, tracker: number, count: number,
): Promise<readonly CmapChange[]> {
  await eventually(`${count} changes`, () => changesOf(member, tracker),
    (changes) => changes.length >= count);
  await pause(50);
  return changesOf(member, tracker);
}

async function isRefused(
  assert: Assert, call: Promise<unknown>, code: string, what: string,
): Promise<void> {
  assert.equal(await outcomeOf(call), code, what);
}

export const cmapCases: readonly Case[] = [
  {
    title: 'every node knows the cluster, its nodes, itself and the times',
    needs: [],
    async run(fixture, assert) {
      const members = [await fixture.open(0), await fixture.open(1), await fixture.open(2)];
      for (const { cmap, nodeId } of members) {
        const facts = await readClusterFacts(cmap);
        assert.deepEqual(facts.nodes.map((one) => one.nodeId), members.map((one) => one.nodeId));
        assert.equal(facts.localNodeId, nodeId);
        assert.ok(facts.clusterName !== null && facts.clusterName.length > 0);
        assert.ok(facts.nodes.every(({ name }) => name !== null && name.length > 0));
        assert.ok(facts.nodes.every(({ addresses }) => addresses.length === 1));
        assert.ok(facts.tokenMs > 0 && facts.consensusMs > facts.tokenMs);
      }
    },
  },
  {
    title: 'the map says who is a member',
    needs: [],
    async run(fixture, assert) {
      const { cmap, nodeId } = await fixture.open(0);
      assert.equal(await cmap.getAs('runtime.votequorum.this_node_id', 'uint32'), nodeId);
      for (const { key, type } of await cmap.keys('runtime.members.')) {
        if (key.endsWith('.status')) assert.deepEqual(await cmap.get(key), string('joined'));
        if (key.endsWith('.join_count')) assert.equal(type, 'uint32');
      }
      const { length } = (await cmap.keys('runtime.members.'))
        .filter(({ key }) => key.endsWith('.status'));
      assert.equal(length, 3);
    },
  },
  {
    title: 'a value of every type comes back as it was stored',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const prefix = fixture.freshName();
      for (const [index, value] of VALUES.entries()) {
        const key = `${prefix}${index}`;
        await cmap.set(key, value);
        assert.deepEqual(plain(await cmap.get(key)), plain(value), key);
        const [entry] = await cmap.keys(key);
        assert.equal(entry?.type, value.type);
        await cmap.delete(key);
      }
    },
  },
  {
    title: 'a key may change its type',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const key = `${fixture.freshName()}key`;
      await cmap.set(key, { type: 'uint64', value: 5n });
      await cmap.set(key, string('five'));
      assert.deepEqual(await cmap.get(key), string('five'));
    },
  },
  {
    title: 'what is not there, or of another type, is refused by name',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const key = `${fixture.freshName()}key`;
      await isRefused(assert, cmap.get(key), 'NOT_EXIST', 'get');
      await isRefused(assert, cmap.delete(key), 'NOT_EXIST', 'delete');
      await isRefused(assert, cmap.increment(key), 'NOT_EXIST', 'increment');
      await isRefused(assert, cmap.decrement(key), 'NOT_EXIST', 'decrement');
      await cmap.set(key, string('text'));
      await isRefused(assert, cmap.getAs(key, 'uint32'), 'WRONG_TYPE', 'getAs');
      await isRefused(assert, cmap.increment(key), 'INVALID_PARAM', 'increment of a string');
      await cmap.set(key, { type: 'double', value: 1 });
      await isRefused(assert, cmap.decrement(key), 'INVALID_PARAM', 'decrement of a double');
    },
  },
  {
    title: 'what cannot be a key or a value is refused before corosync is asked',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const one = { type: 'int8', value: 1 } as const;
      for (const [key, code] of [
        ['', 'INVALID_PARAM'], ['ab', 'INVALID_PARAM'], ['a key', 'INVALID_PARAM'],
        ['key\0hidden', 'INVALID_PARAM'], ['k'.repeat(256), 'NAME_TOO_LONG'],
      ] as const) {
        await isRefused(assert, cmap.get(key), code, `get ${key}`);
        await isRefused(assert, cmap.set(key, one), code, `set ${key}`);
        await isRefused(assert, cmap.delete(key), code, `delete ${key}`);
        await isRefused(assert, cmap.track(key), code, `track ${key}`);
      }
      await isRefused(assert, cmap.keys('k'.repeat(256)), 'NAME_TOO_LONG', 'keys');
      const key = `${fixture.freshName()}key`;
      for (const [value, code] of [
        [{ type: 'int8', value: 128 }, 'INVALID_PARAM'],
        [{ type: 'uint8', value: -1 }, 'INVALID_PARAM'],
        [{ type: 'uint32', value: 0.5 }, 'INVALID_PARAM'],
        [{ type: 'uint64', value: -1n }, 'INVALID_PARAM'],
        [{ type: 'string', value: 'a\0b' }, 'INVALID_PARAM'],
        [{ type: 'string', value: 'x'.repeat(16_384) }, 'TOO_BIG'],
        [{ type: 'binary', value: new Uint8Array(16_385) }, 'TOO_BIG'],
      ] as const) {
        await isRefused(assert, cmap.set(key, value), code, JSON.stringify(value.type));
      }
      await isRefused(assert, cmap.get(key), 'NOT_EXIST', 'nothing was stored');
    },
  },
  {
    title: 'the longest key can be stored, listed and followed',
    needs: [],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const key = fixture.freshName().padEnd(255, 'k');
      const { id } = await member.cmap.track(key);
      await member.cmap.set(key, string('v'));
      assert.deepEqual((await member.cmap.keys(key)).map((one) => one.key), [key]);
      assert.deepEqual(await settled(member, id, 1), [
        { kind: 'added', key, value: string('v') },
      ]);
    },
  },
  {
    title: 'keys are listed by their beginning, ascending, up to a bound',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const prefix = fixture.freshName();
      for (const name of ['b', 'a', 'c.d', 'B', '10', '9']) {
        await cmap.set(`${prefix}${name}`, string(name));
      }
      const entries = await cmap.entries(prefix);
      assert.deepEqual(entries.map(({ key }) => key.slice(prefix.length)), [
        '10', '9', 'B', 'a', 'b', 'c.d',
      ]);
      assert.deepEqual(entries.map(({ value }) => value.value), ['10', '9', 'B', 'a', 'b', 'c.d']);
      assert.deepEqual(
        (await cmap.keys(`${prefix}c`)).map(({ bytes, type }) => [bytes, type]), [[4, 'string']],
      );
      assert.equal((await cmap.keys(prefix, { keysMax: 6 })).length, 6);
      await isRefused(assert, cmap.keys(prefix, { keysMax: 5 }), 'TOO_MANY', 'five of six');
      assert.deepEqual(await cmap.keys(`${prefix}none`), []);
      assert.ok((await cmap.keys('')).length > 6);
    },
  },
  {
    title: 'a prefix is followed: what is added, modified and deleted, with old and new values',
    needs: [],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const prefix = fixture.freshName();
      const { cmap } = member;
      const tracker = await cmap.track(prefix, { prefix: true });
      const key = `${prefix}one`;
      await cmap.set(key, { type: 'uint64', value: 5n });
      await cmap.set(key, { type: 'uint64', value: 5n });
      await cmap.set(key, string('six'));
      await cmap.set(`${prefix}two`, { type: 'int8', value: -128 });
      await cmap.decrement(`${prefix}two`);
      await cmap.delete(key);
      assert.deepEqual(await settled(member, tracker.id, 5), [
        { kind: 'added', key, value: { type: 'uint64', value: 5n } },
        { kind: 'modified', key, value: string('six'), before: { type: 'uint64', value: 5n } },
        { kind: 'added', key: `${prefix}two`, value: { type: 'int8', value: -128 } },
        { kind: 'modified', key: `${prefix}two`, value: { type: 'int8', value: 127 },
          before: { type: 'int8', value: -128 } },
        { kind: 'deleted', key, before: string('six') },
      ]);
      await tracker.stop();
      await tracker.stop();
      await cmap.set(key, string('seven'));
      assert.equal((await settled(member, tracker.id, 5)).length, 5);
    },
  },
  {
    title: 'one key is followed, also before it is there, and only in the kinds that were asked',
    needs: [],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const { cmap } = member;
      const key = `${fixture.freshName()}key`;
      const all = await cmap.track(key);
      const gone = await cmap.track(key, { kinds: ['deleted'] });
      const born = await cmap.track(key, { kinds: ['added', 'modified'] });
      await cmap.set(key, string('a'));
      await cmap.set(`${key}.below`, string('other'));
      await cmap.set(key, string('b'));
      await cmap.delete(key);
      const kinds = async (id: number, count: number): Promise<readonly string[]> =>
        (await settled(member, id, count)).map(({ kind }) => kind);
      assert.deepEqual(await kinds(all.id, 3), ['added', 'modified', 'deleted']);
      assert.deepEqual(await kinds(gone.id, 1), ['deleted']);
      assert.deepEqual(await kinds(born.id, 2), ['added', 'modified']);
    },
  },
  {
    title: 'a tracker that is stopped amid changes disturbs nothing',
    needs: [],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const { cmap } = member;
      const prefix = fixture.freshName();
      const stays = await cmap.track(prefix, { prefix: true });
      for (let round = 0; round < 10; round += 1) {
        const brief = await cmap.track(prefix, { prefix: true });
        const sets = [1, 2, 3].map((index) =>
          cmap.set(`${prefix}${round}.${index}`, string('v')));
        await Promise.all([...sets, brief.stop()]);
      }
      assert.equal((await settled(member, stays.id, 30)).length, 30);
      assert.deepEqual((await member.records()).filter(({ kind }) => kind === 'lost'), []);
    },
  },
  {
    title: 'changes of another connection are seen, on the same node only',
    needs: [],
    async run(fixture, assert) {
      const [here, there, elsewhere] = [
        await fixture.open(0), await fixture.open(0), await fixture.open(1),
      ];
      const key = `${fixture.freshName()}key`;
      const near = await here.cmap.track(key);
      const far = await elsewhere.cmap.track(key);
      await there.cmap.set(key, string('v'));
      assert.equal((await settled(here, near.id, 1)).length, 1);
      assert.deepEqual(await here.cmap.get(key), string('v'));
      assert.equal((await settled(elsewhere, far.id, 0)).length, 0);
      await isRefused(assert, elsewhere.cmap.get(key), 'NOT_EXIST', 'the other node');
    },
  },
  {
    title: 'whole numbers wrap around at the ends of their types',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const key = `${fixture.freshName()}key`;
      for (const value of WHOLE) {
        const least = value.value < 0;
        await cmap.set(key, value);
        await (least ? cmap.decrement(key) : cmap.increment(key));
        const wrapped = (await cmap.get(key)).value;
        const most = least ? -(BigInt(value.value) + 1n) : 0n;
        assert.equal(BigInt(wrapped as number), most, value.type);
        await (least ? cmap.increment(key) : cmap.decrement(key));
        assert.deepEqual(await cmap.get(key), value);
      }
    },
  },
  {
    title: 'keys that corosync guards are read-only',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const one: CmapValue = { type: 'uint32', value: 1 };
      for (const key of [
        'nodelist.local_node_pos', 'runtime.config.totem.token', 'totem.cluster_name',
        'nodelist.node.0.nodeid', 'totem.version', 'system.new_key',
      ]) {
        await isRefused(assert, cmap.set(key, one), 'ACCESS', `set ${key}`);
        await isRefused(assert, cmap.delete(key), 'ACCESS', `delete ${key}`);
        await isRefused(assert, cmap.increment(key), 'ACCESS', `increment ${key}`);
        await isRefused(assert, cmap.decrement(key), 'ACCESS', `decrement ${key}`);
      }
    },
  },
  {
    title: 'a connection has at most 256 trackers, and a stopped one makes room',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const prefix = fixture.freshName();
      const first = await cmap.track(`${prefix}0`);
      await Promise.all(Array.from({ length: 255 }, (_, index) =>
        cmap.track(`${prefix}${index + 1}`)));
      await isRefused(assert, cmap.track(`${prefix}more`), 'TOO_MANY', 'one more');
      await first.stop();
      await isRefused(assert, cmap.track(`${prefix}more`), 'ok', 'after a stop');
    },
  },
  {
    title: 'closing the map ends everything, twice as well as once',
    needs: [],
    async run(fixture, assert) {
      const { cmap } = await fixture.open(0);
      const prefix = fixture.freshName();
      const tracker = await cmap.track(`${prefix}key`);
      const asked = cmap.set(`${prefix}key`, string('v'));
      await cmap.close();
      await cmap.close();
      assert.equal(await outcomeOf(asked), 'ok');
      await isRefused(assert, cmap.get('totem.version'), 'CLOSED', 'get');
      await isRefused(assert, cmap.keys(''), 'CLOSED', 'keys');
      await isRefused(assert, cmap.track('totem.version'), 'CLOSED', 'track');
      await isRefused(assert, tracker.stop(), 'ok', 'stop');
    },
  },
  {
    title: 'the map follows the death and the return of a node',
    needs: ['power'],
    async run(fixture, assert) {
      const member = await fixture.open(0);
      const { nodeId } = await fixture.open(2);
      const status = `runtime.members.${nodeId}.status`;
      const joins = await member.cmap.getAs(`runtime.members.${nodeId}.join_count`, 'uint32');
      const { id } = await member.cmap.track(status);
      await fixture.powerOff(2);
      assert.deepEqual(await settled(member, id, 1), [
        { kind: 'modified', key: status, value: string('left'), before: string('joined') },
      ]);
      await fixture.powerOn(2);
      assert.equal((await settled(member, id, 2)).length, 2);
      assert.deepEqual(await member.cmap.get(status), string('joined'));
      assert.equal(
        await member.cmap.getAs(`runtime.members.${nodeId}.join_count`, 'uint32'), joins + 1,
      );
    },
  },
];
