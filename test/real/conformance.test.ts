import anyTest, { type TestFn } from 'ava';
import type { CmapError } from '../../src/cmap/index.js';
import type { CpgError } from '../../src/cpg/index.js';
import type { QuorumError } from '../../src/quorum/index.js';
import { cmapCases, type CmapFixture, type CmapRecord } from '../conformance/cmap.js';
import { registerConformance } from '../conformance/conformance-case.js';
import {
  groupCases, type GroupFixture, type GroupMember, type GroupRecord,
} from '../conformance/group.js';
import { quorumCases, type QuorumFixture, type QuorumRecord } from '../conformance/quorum.js';
import { NetnsCluster } from '../netns/cluster.js';
import type { NetnsNode } from '../netns/node.js';
import { RemoteCmap } from './support/remote-cmap.js';
import { RemoteGroup } from './support/remote-group.js';
import { RemoteQuorum } from './support/remote-quorum.js';

// One case after the other: each one has three corosyncs, which a busy machine serves late.
const test = anyTest.serial as unknown as TestFn;

/** A busy machine delays tokens; a false alarm would be a fault that no case asked for. */
const TOKEN_MS = 1_000;
/** token + consensus. @see corosync.conf(5) */
const SILENCE_TOKENS = 2.2;
let names = 0;
let shared: Promise<NetnsCluster> | null = null;
let faulty: Promise<NetnsCluster> | null = null;

/** The cluster of all cases that take no node's power. */
function sharedCluster(): Promise<NetnsCluster> {
  shared ??= NetnsCluster.up({ tokenMs: TOKEN_MS });
  return shared;
}

/** The cluster of all cases that break nodes, repaired after each of them. */
function faultyCluster(): Promise<NetnsCluster> {
  faulty ??= NetnsCluster.up({ tokenMs: TOKEN_MS });
  return faulty;
}

anyTest.after.always(async () => {
  await (await shared)?.down();
  await (await faulty)?.down();
});

function recordsOf(group: RemoteGroup): readonly GroupRecord[] {
  const records: GroupRecord[] = [];
  group.on('message', (from, payload) => records.push({ kind: 'message', from, payload }));
  group.on('view', (view) => records.push({ kind: 'view', view }));
  group.on('ring', (ring, nodeIds) => records.push({ kind: 'ring', ring, nodeIds }));
  group.on('lost', (cause: CpgError) => records.push({ kind: 'lost', code: cause.code }));
  return records;
}

function groupFixture(cluster: NetnsCluster, end: () => Promise<void>): GroupFixture {
  const groups = new Map<GroupMember, RemoteGroup>();
  const on = (act: (node: NetnsNode) => unknown) => async (node: number): Promise<void> => {
    await act(cluster.node(node + 1));
  };
  const keep = (group: RemoteGroup): GroupMember => {
    const records = recordsOf(group);
    const member = { group, records: () => Promise.resolve(records) };
    groups.set(member, group);
    return member;
  };
  return {
    silenceMs: TOKEN_MS * SILENCE_TOKENS,
    open: async (node) => keep(await RemoteGroup.open(cluster.node(node + 1))),
    async openBeside(member) {
      const group = groups.get(member);
      if (group === undefined) throw new Error('that member was not opened here');
      return keep(await group.openBeside());
    },
    async kill(member) {
      await groups.get(member)?.kill();
    },
    powerOff: on((node) => node.kill()),
    crash: on((node) => node.kill()),
    stop: on((node) => node.term()),
    start: on((node) => node.start()),
    pause: on((node) => node.pause()),
    resume: on((node) => node.continue()),
    cut: (node) => cluster.cut(node + 1),
    heal: () => healAll(cluster),
    freshName() {
      names += 1;
      return `conformance-${names}`;
    },
    async close() {
      await Promise.all([...groups.values()].map((group) => group.kill()));
      await end();
    },
  };
}

async function healAll(cluster: NetnsCluster): Promise<void> {
  for (const index of [1, 2, 3]) await cluster.heal(index);
}

/** Undoes whatever a case has done to its nodes. */
async function repair(cluster: NetnsCluster): Promise<void> {
  await healAll(cluster);
  for (const node of cluster.nodes) {
    if (node.corosyncPid === null) node.start();
    else node.continue();
  }
  await cluster.ready();
}

function quorumFixture(cluster: NetnsCluster, end: () => Promise<void>): QuorumFixture {
  const opened: RemoteQuorum[] = [];
  return {
    async open(node) {
      const quorum = await RemoteQuorum.open(cluster.node(node + 1));
      opened.push(quorum);
      const records: QuorumRecord[] = [];
      quorum.on('quorum', (state) => records.push({ kind: 'quorum', state }));
      quorum.on('nodelist', (change) => records.push({ kind: 'nodelist', change }));
      quorum.on('lost', (cause: QuorumError) => records.push({ kind: 'lost', code: cause.code }));
      return { nodeId: node + 1, quorum, records: () => Promise.resolve(records) };
    },
    powerOff: (node) => cluster.node(node + 1).kill(),
    powerOn(node) {
      cluster.node(node + 1).start();
      return Promise.resolve();
    },
    stopCorosync: (node) => cluster.node(node + 1).term(),
    cut: (node) => cluster.cut(node + 1),
    heal: (node) => cluster.heal(node + 1),
    async close() {
      await Promise.all(opened.map((quorum) => quorum.kill()));
      await end();
    },
  };
}

function cmapFixture(cluster: NetnsCluster, end: () => Promise<void>): CmapFixture {
  const opened: RemoteCmap[] = [];
  return {
    async open(node) {
      const cmap = await RemoteCmap.open(cluster.node(node + 1));
      opened.push(cmap);
      const records: CmapRecord[] = [];
      cmap.on('changed', (change, tracker) => records.push({ kind: 'changed', change, tracker }));
      cmap.on('lost', (cause: CmapError) => records.push({ kind: 'lost', code: cause.code }));
      return { nodeId: node + 1, cmap, records: () => Promise.resolve(records) };
    },
    powerOff: (node) => cluster.node(node + 1).kill(),
    powerOn(node) {
      cluster.node(node + 1).start();
      return Promise.resolve();
    },
    freshName() {
      names += 1;
      return `conformance${names}.`;
    },
    async close() {
      await Promise.all(opened.map((cmap) => cmap.kill()));
      await end();
    },
  };
}

const nothing = (): Promise<void> => Promise.resolve();
const harmless = <Case extends { needs: readonly string[] }>({ needs }: Case): boolean =>
  needs.length === 0;

registerConformance(test, {
  side: 'corosync, group',
  cases: groupCases.filter(harmless),
  capabilities: [],
  createFixture: async () => groupFixture(await sharedCluster(), nothing),
});
registerConformance(test, {
  side: 'corosync, quorum',
  cases: quorumCases.filter(harmless),
  capabilities: [],
  createFixture: async () => quorumFixture(await sharedCluster(), nothing),
});
registerConformance(test, {
  side: 'corosync, group',
  cases: groupCases.filter((one) => !harmless(one)),
  capabilities: ['power', 'faults'],
  async createFixture() {
    const cluster = await faultyCluster();
    return groupFixture(cluster, () => repair(cluster));
  },
});
registerConformance(test, {
  side: 'corosync, quorum',
  cases: quorumCases.filter((one) => !harmless(one)),
  capabilities: ['power'],
  async createFixture() {
    const cluster = await NetnsCluster.up({ tokenMs: TOKEN_MS });
    return quorumFixture(cluster, () => cluster.down());
  },
});
registerConformance(test, {
  side: 'corosync, cmap',
  cases: cmapCases.filter(harmless),
  capabilities: [],
  createFixture: async () => cmapFixture(await sharedCluster(), nothing),
});
registerConformance(test, {
  side: 'corosync, cmap',
  cases: cmapCases.filter((one) => !harmless(one)),
  capabilities: ['power'],
  async createFixture() {
    const cluster = await NetnsCluster.up({ tokenMs: TOKEN_MS });
    return cmapFixture(cluster, () => cluster.down());
  },
});
