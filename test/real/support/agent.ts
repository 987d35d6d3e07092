/** Runs inside a node, beside its corosync, and does with the bindings what the test asks. */
import { openGroup, type CpgError, type Group } from '../../../src/cpg/index.js';
import { openQuorum, type Quorum, type QuorumError } from '../../../src/quorum/index.js';
import { flood } from './flood.js';
import { tallyOf, type Tally } from './tally.js';
import { toWire, type Reply, type Request } from './wire.js';

/** By the number that the test gave each of them; several may be open at once. */
const groups = new Map<number, Group>();
/** Of the groups that count instead of telling each message. */
const tallies = new Map<number, () => Tally>();
let quorum: Quorum | null = null;

const CALLS: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = {
  async openGroup(key: number, counting = false) {
    const opened = await openGroup();
    groups.set(key, opened);
    if (counting) tallies.set(key, tallyOf(opened));
    else opened.on('message', (from, payload) => event('message', key, from, Uint8Array.from(payload)));
    opened.on('view', (view) => event('view', key, view));
    opened.on('ring', (ring, nodeIds) => event('ring', key, ring, nodeIds));
    opened.on('lost', (cause: CpgError) => event('lost', key, toWire(cause)));
    return { self: opened.self, payloadBytesMax: opened.payloadBytesMax };
  },
  join: (key: number, name: string) => theGroup(key).join(name),
  multicast: (key: number, payload: Uint8Array) => theGroup(key).multicast(payload),
  leave: (key: number) => theGroup(key).leave(),
  closeGroup: (key: number) => theGroup(key).close(),
  flood: (key: number, messages: number, bytes: number) => flood(theGroup(key), messages, bytes),
  tally: (key: number) => Promise.resolve(tallies.get(key)?.()),
  async openQuorum() {
    const opened = await openQuorum();
    quorum = opened;
    opened.on('quorum', (state) => event('quorum', state));
    opened.on('nodelist', (change) => event('nodelist', change));
    opened.on('lost', (cause: QuorumError) => event('lostQuorum', toWire(cause)));
  },
  start: () => theQuorum().start(),
  closeQuorum: () => theQuorum().close(),
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

function theGroup(key: number): Group {
  const group = groups.get(key);
  if (group === undefined) throw new Error(`no group ${key} was opened in this agent`);
  return group;
}

function theQuorum(): Quorum {
  if (quorum === null) throw new Error('no quorum connection was opened in this agent');
  return quorum;
}
