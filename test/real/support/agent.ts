/** Runs inside a node, beside its corosync, and does with the bindings what the test asks. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  openCmap, type Cmap, type CmapError, type CmapTracker, type CmapValue, type ListOptions,
  type OpenCmapOptions, type TrackOptions,
} from '../../../src/cmap/index.js';
import { openCpg, type Cpg, type CpgError, type Guarantee } from '../../../src/cpg/index.js';
import { openQuorum, type Quorum, type QuorumError } from '../../../src/quorum/index.js';
import { flood } from './flood.js';
import { LoopLag } from './loop-lag.js';
import { toWire, type Reply, type Request } from './wire.js';

/** By the number that the test gave each of them; several may be open at once. */
const groups = new Map<number, Cpg>();
let quorum: Quorum | null = null;
let cmap: Cmap | null = null;
const trackers = new Map<number, CmapTracker>();

const CALLS: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = {
  async openGroup(key: number) {
    const opened = await openCpg();
    groups.set(key, opened);
    opened.on('message', (from, payload) => event('message', key, from, Uint8Array.from(payload)));
    opened.on('view', (view) => event('view', key, view));
    opened.on('ring', (ring, nodeIds) => event('ring', key, ring, nodeIds));
    opened.on('lost', (cause: CpgError) => event('lost', key, toWire(cause)));
    return { self: opened.self, payloadBytesMax: opened.payloadBytesMax };
  },
  join: (key: number, name: string | Uint8Array) => theGroup(key).join(name),
  multicast: (key: number, payload: Uint8Array | readonly Uint8Array[], guarantee: Guarantee) =>
    theGroup(key).multicast(payload, guarantee),
  membership: (key: number) => theGroup(key).membership(),
  groupNames: (key: number) => theGroup(key).groupNames(),
  groups: (key: number) => theGroup(key).groups(),
  membersOf: (key: number, name: string | Uint8Array) => theGroup(key).membersOf(name),
  localNodeId: (key: number) => theGroup(key).localNodeId(),
  localState(key: number, context: bigint) {
    const group = theGroup(key);
    group.context = context;
    return Promise.resolve({ context: group.context, flowControl: group.flowControl() });
  },
  leave: (key: number) => theGroup(key).leave(),
  closeGroup: (key: number) => theGroup(key).close(),
  flood: (key: number, messages: number, bytes: number) => flood(theGroup(key), messages, bytes),
  async idle(_key: number, ms: number) {
    const lag = new LoopLag();
    await delay(ms);
    return { lagMsMax: lag.stop() };
  },
  async openQuorum() {
    const opened = await openQuorum();
    quorum = opened;
    opened.on('quorum', (state) => event('quorum', state));
    opened.on('nodelist', (change) => event('nodelist', change));
    opened.on('lost', (cause: QuorumError) => event('lostQuorum', toWire(cause)));
  },
  start: () => theQuorum().start(),
  stopQuorum: () => theQuorum().stop(),
  isQuorate: () => theQuorum().isQuorate(),
  closeQuorum: () => theQuorum().close(),
  async openCmap(options: OpenCmapOptions) {
    const opened = await openCmap(options);
    cmap = opened;
    opened.on('changed', (change, tracker) => event('changed', change, tracker));
    opened.on('lost', (cause: CmapError) => event('lost', toWire(cause)));
  },
  get: (key: string) => theCmap().get(key),
  keys: (prefix: string, options?: ListOptions) => theCmap().keys(prefix, options),
  entries: (prefix: string, options?: ListOptions) => theCmap().entries(prefix, options),
  set: (key: string, value: CmapValue) => theCmap().set(key, value),
  delete: (key: string) => theCmap().delete(key),
  increment: (key: string) => theCmap().increment(key),
  decrement: (key: string) => theCmap().decrement(key),
  async track(key: string, options?: TrackOptions) {
    const tracker = await theCmap().track(key, options);
    trackers.set(tracker.id, tracker);
    return tracker.id;
  },
  untrack: async (id: number) => trackers.get(id)?.stop(),
  closeCmap: () => theCmap().close(),
};

process.on('message', (message) => void answer(message as Request));
process.on('disconnect', () => process.exit(0));

async function answer({ id, call, args }: Request): Promise<void> {
  try {
    const known = CALLS[call];
    if (known === undefined) throw new Error(`the agent knows no call ${call}`);
    send({ kind: 'done', id, value: await known(...(args as never[])) });
  } catch (thrown) {
    send({ kind: 'failed', id, error: toWire(thrown) });
  }
}

function event(name: string, ...args: readonly unknown[]): void {
  send({ kind: 'event', name, args });
}

function send(reply: Reply): void {
  process.send?.(reply);
}

function theGroup(key: number): Cpg {
  const group = groups.get(key);
  if (group === undefined) throw new Error(`no group ${key} was opened in this agent`);
  return group;
}

function theQuorum(): Quorum {
  if (quorum === null) throw new Error('no quorum connection was opened in this agent');
  return quorum;
}

function theCmap(): Cmap {
  if (cmap === null) throw new Error('no configuration map was opened in this agent');
  return cmap;
}
