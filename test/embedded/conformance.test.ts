import test from 'ava';
import { systemClock } from '../../src/clock.js';
import type { LockMode, StalledOperation } from '../../src/dlm/index.js';
import { createCluster, type EmbeddedCluster, type EmbeddedProcess } from '../../src/embedded/index.js';
import { cmapCases, type CmapFixture, type CmapRecord } from '../conformance/cmap.js';
import { registerConformance } from '../conformance/conformance-case.js';
import { groupCases, type GroupFixture, type GroupMember, type GroupRecord } from '../conformance/group.js';
import {
  lockManagerCases, type LockManagerFixture, type LockMember,
} from '../conformance/lock-manager/index.js';
import { quorumCases, type QuorumFixture, type QuorumRecord } from '../conformance/quorum.js';

const NODE_IDS = [1, 2, 3] as const;
const TIMINGS = {
  detectionMs: 60, ringMs: 20, fencingMs: 30, recoveryMs: 10, lockspaceJoinMs: 5, stalledMs: 100,
};

/** Runs on the machine's clock, as the real side does; ends every process at its close. */
class Machines {
  readonly cluster: EmbeddedCluster = createCluster({
    nodes: NODE_IDS.map((id) => ({ id, name: `node${id}` })),
    clock: systemClock, timings: TIMINGS, fencingPowersOff: true,
  });
  readonly #processes = new Map<object, EmbeddedProcess>();
  #names = 0;

  start(node: number): EmbeddedProcess {
    return this.cluster.node(this.idOf(node)).startProcess();
  }

  keep(member: object, process: EmbeddedProcess): void {
    this.#processes.set(member, process);
  }

  processOf(member: object): EmbeddedProcess {
    const process = this.#processes.get(member);
    if (process === undefined) throw new Error('no process of that member was started here');
    return process;
  }

  kill(member: object): Promise<void> {
    this.#processes.get(member)?.kill();
    return Promise.resolve();
  }

  powerOff(node: number): Promise<void> {
    this.cluster.powerOff(this.idOf(node));
    return Promise.resolve();
  }

  powerOn(node: number): Promise<void> {
    this.cluster.powerOn(this.idOf(node));
    return Promise.resolve();
  }

  stopCorosync(node: number): Promise<void> {
    this.cluster.killCorosync(this.idOf(node));
    return Promise.resolve();
  }

  cut(node: number): Promise<void> {
    this.cluster.cut([this.idOf(node)]);
    return Promise.resolve();
  }

  heal(): Promise<void> {
    this.cluster.heal();
    return Promise.resolve();
  }

  withholdFencing(): Promise<void> {
    for (const id of NODE_IDS) this.cluster.withholdFencing(id);
    return Promise.resolve();
  }

  allowFencing(): Promise<void> {
    for (const id of NODE_IDS) this.cluster.confirmFencing(id);
    return Promise.resolve();
  }

  freshName(): string {
    this.#names += 1;
    return `name-${this.#names}`;
  }

  close(): Promise<void> {
    for (const id of NODE_IDS) this.cluster.powerOff(id);
    return Promise.resolve();
  }

  idOf(node: number): number {
    const id = NODE_IDS[node];
    if (id === undefined) throw new Error(`there is no node ${node}`);
    return id;
  }
}

function createLocks(): Promise<LockManagerFixture> {
  const machines = new Machines();
  return Promise.resolve({
    kill: (member) => machines.kill(member),
    powerOff: (node) => machines.powerOff(node),
    nodeId: (node) => machines.idOf(node),
    withholdFencing: () => machines.withholdFencing(),
    allowFencing: () => machines.allowFencing(),
    freshName: () => machines.freshName(),
    close: () => machines.close(),
    async start(node, name = 'own', request = {}) {
      const process = machines.start(node);
      const lockManager = process.lockManager();
      const lockspace = await lockManager.openLockspace(name, request);
      const modes: (LockMode | null)[] = [];
      const stalls: (readonly StalledOperation[])[] = [];
      lockspace.on('blocking', (_id, mode) => modes.push(mode));
      lockspace.on('stalled', (operations) => stalls.push(operations));
      const member: LockMember = {
        lockspace,
        blockings: () => Promise.resolve(modes),
        stalls: () => Promise.resolve(stalls),
        clusterView: () => lockManager.clusterView(),
        state: () => lockManager.lockspaceState(name),
      };
      machines.keep(member, process);
      return member;
    },
  });
}

function createGroups(): Promise<GroupFixture> {
  const machines = new Machines();
  const { cluster } = machines;
  const nothing = Promise.resolve();
  const on = (act: (id: number) => void) => (node: number): Promise<void> => {
    act(machines.idOf(node));
    return nothing;
  };
  const openIn = async (process: EmbeddedProcess): Promise<GroupMember> => {
    const group = await process.openGroup();
    const records: GroupRecord[] = [];
    group.on('message', (from, payload) => records.push({ kind: 'message', from, payload }));
    group.on('view', (view) => records.push({ kind: 'view', view }));
    group.on('ring', (ring, nodeIds) => records.push({ kind: 'ring', ring, nodeIds }));
    group.on('lost', ({ code }) => records.push({ kind: 'lost', code }));
    const member: GroupMember = { group, records: () => Promise.resolve([...records]) };
    machines.keep(member, process);
    return member;
  };
  return Promise.resolve({
    silenceMs: TIMINGS.detectionMs,
    kill: (member) => machines.kill(member),
    powerOff: (node) => machines.powerOff(node),
    crash: on((id) => cluster.killCorosync(id)),
    stop: on((id) => cluster.stopCorosync(id)),
    start: on((id) => cluster.startCorosync(id)),
    pause: on((id) => cluster.pause(id)),
    resume: on((id) => cluster.resume(id)),
    cut: on((id) => cluster.cut([id])),
    heal: () => Promise.resolve(cluster.heal()),
    freshName: () => machines.freshName(),
    close: () => machines.close(),
    open: (node) => openIn(machines.start(node)),
    openBeside: (member) => openIn(machines.processOf(member)),
  });
}

function createQuorums(): Promise<QuorumFixture> {
  const machines = new Machines();
  return Promise.resolve({
    powerOff: (node) => machines.powerOff(node),
    powerOn: (node) => machines.powerOn(node),
    stopCorosync: (node) => machines.stopCorosync(node),
    cut: (node) => machines.cut(node),
    heal: () => machines.heal(),
    close: () => machines.close(),
    async open(node) {
      const quorum = await machines.start(node).openQuorum();
      const records: QuorumRecord[] = [];
      quorum.on('quorum', (state) => records.push({ kind: 'quorum', state }));
      quorum.on('nodelist', (change) => records.push({ kind: 'nodelist', change }));
      quorum.on('lost', ({ code }) => records.push({ kind: 'lost', code }));
      return { nodeId: machines.idOf(node), quorum, records: () => Promise.resolve([...records]) };
    },
  });
}

function createCmaps(): Promise<CmapFixture> {
  const machines = new Machines();
  return Promise.resolve({
    powerOff: (node) => machines.powerOff(node),
    powerOn: (node) => machines.powerOn(node),
    freshName: () => `${machines.freshName()}.`,
    close: () => machines.close(),
    async open(node) {
      const cmap = await machines.start(node).openCmap();
      const records: CmapRecord[] = [];
      cmap.on('changed', (change, tracker) => records.push({ kind: 'changed', change, tracker }));
      cmap.on('lost', ({ code }) => records.push({ kind: 'lost', code }));
      return { nodeId: machines.idOf(node), cmap, records: () => Promise.resolve([...records]) };
    },
  });
}

const side = 'embedded';
const capabilities = ['power'] as const;
registerConformance(test, {
  side, capabilities, cases: lockManagerCases, createFixture: createLocks,
});
registerConformance(test, {
  side, cases: groupCases, capabilities: ['power', 'faults'],
  createFixture: createGroups,
});
registerConformance(test, { side, capabilities, cases: quorumCases, createFixture: createQuorums });
registerConformance(test, { side, capabilities, cases: cmapCases, createFixture: createCmaps });
