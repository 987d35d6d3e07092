import test from 'ava';
import { CorosyncMap } from '../../src/cmap/corosync-map.js';
import { CmapError, readClusterFacts, type CmapValue } from '../../src/cmap/index.js';
import { FakeConnection } from './support/fake-connection.js';

const u32 = (value: number): CmapValue => ({ type: 'uint32', value });
const text = (value: string): CmapValue => ({ type: 'string', value });

const MAP: Readonly<Record<string, CmapValue>> = {
  'nodelist.local_node_pos': u32(10),
  'nodelist.node.10.nodeid': u32(7),
  'nodelist.node.10.ring0_addr': text('10.0.0.7'),
  'nodelist.node.10.ring1_addr': text('fd00::7'),
  'nodelist.node.2.name': text('other'),
  'nodelist.node.2.nodeid': u32(3),
  'nodelist.node.2.ring0_addr': text('10.0.0.3'),
  'runtime.config.totem.consensus': u32(1_200),
  'runtime.config.totem.token': u32(1_000),
};

function without(key: string): Readonly<Record<string, CmapValue>> {
  return Object.fromEntries(Object.entries(MAP).filter(([other]) => other !== key));
}

function read(map: Readonly<Record<string, CmapValue>>): ReturnType<typeof readClusterFacts> {
  return readClusterFacts(new CorosyncMap(new FakeConnection(map)));
}

test('nodes are ordered by id and may have several addresses and no name', async (t) => {
  t.deepEqual(await read(MAP), {
    clusterName: null,
    nodes: [
      { nodeId: 3, name: 'other', addresses: ['10.0.0.3'] },
      { nodeId: 7, name: null, addresses: ['10.0.0.7', 'fd00::7'] },
    ],
    localNodeId: 7,
    tokenMs: 1_000,
    consensusMs: 1_200,
  });
});

test('a node list that does not say who this node is leaves that open', async (t) => {
  const map = without('nodelist.local_node_pos');
  t.is((await read({ ...map, 'totem.cluster_name': text('c') })).localNodeId, null);
});

test('what is missing is named', async (t) => {
  const noId = without('nodelist.node.2.nodeid');
  const first = await t.throwsAsync(read(noId), { instanceOf: CmapError, code: 'NOT_EXIST' });
  t.is(first.key, 'nodelist.node.2.nodeid');
  const noToken = without('runtime.config.totem.token');
  const second = await t.throwsAsync(read(noToken), { instanceOf: CmapError, code: 'NOT_EXIST' });
  t.is(second.key, 'runtime.config.totem.token');
});

test('what has another type is named', async (t) => {
  const thrown = await t.throwsAsync(
    read({ ...MAP, 'nodelist.node.2.nodeid': text('3') }), { instanceOf: CmapError },
  );
  t.is(thrown.code, 'WRONG_TYPE');
  t.is(thrown.key, 'nodelist.node.2.nodeid');
});
