/**
 * Bad things that a program may do to the bindings, each one an act that runs in a process of its
 * own beside a real corosync: `node acts.js NAME GROUP`. It prints what came of it as one line of
 * JSON. What it prints, and that it ends as it wants to, is the test's to judge.
 */
import { openCpg, type Cpg } from '../../../src/cpg/index.js';
import { openProcessWatch } from '../../../src/process-watch/index.js';

const [act = '', name = ''] = process.argv.slice(2);
/** Handles of one process; each takes several descriptors. */
const HANDLES = 120;
const REOPENINGS = 60;
const GARBAGE_ROUNDS = 40;

/** `ok`, or the code of what was thrown at once or by the promise; a bare error shows as such. */
async function told(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'ok';
  } catch (thrown) {
    const isTyped = thrown instanceof Error && 'code' in thrown && 'operation' in thrown;
    if (isTyped) return String(thrown.code);
    return `untyped: ${String(thrown)}`;
  }
}

async function joined(): Promise<Cpg> {
  const group = await openCpg();
  await group.join(name);
  return group;
}

const distinct = (tellings: readonly string[]): readonly string[] =>
  [...new Set(tellings)].sort();

const turn = (): Promise<void> => new Promise((resolve) => {
  setImmediate(resolve);
});

/** Breaks the types on purpose: what a caller in JavaScript can do at any time. */
function loose(group: Cpg): Loose {
  return group as unknown as Loose;
}

type Loose = Record<'join' | 'multicast' | 'membersOf', (...args: unknown[]) => unknown>;

function detached(): Uint8Array {
  const bytes = new Uint8Array(64);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

const WRONG: readonly unknown[] = [
  undefined, null, 0, 42, NaN, 1n, true, Symbol('s'), {}, { byteLength: 8 }, { length: 1e9 },
  () => 0, new Date(), new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), new Uint16Array(4),
  [1, 2], [null], [new Uint8Array(2), 'x'], new Proxy({}, {}),
];

const ACTS: Readonly<Record<string, () => Promise<unknown>>> = {
  async names() {
    const group = await openCpg();
    const sizes = ['', 'x'.repeat(129), 'ä'.repeat(65), new Uint8Array(0), new Uint8Array(129)];
    const names = [...WRONG, ...sizes, '\ud800'];
    const tellings: string[] = [];
    for (const wrong of names) tellings.push(await told(() => loose(group).join(wrong)));
    const asked: string[] = [];
    for (const wrong of names) asked.push(await told(() => loose(group).membersOf(wrong)));
    return {
      tellings: distinct(tellings), asked: distinct(asked),
      after: await told(() => group.join(name)),
    };
  },
  async payloads() {
    const group = await joined();
    const tellings: string[] = [];
    for (const wrong of [...WRONG, 'text']) {
      tellings.push(await told(() => loose(group).multicast(wrong)));
    }
    const after = await told(() => group.multicast(new Uint8Array(1)));
    return { tellings: distinct(tellings), after };
  },
  async buffers() {
    const group = await joined();
    const heard: string[] = [];
    group.on('message', (_from, payload) =>
      heard.push(Buffer.from(payload).toString('latin1').slice(0, 20)));
    const shared = new Uint8Array(new SharedArrayBuffer(6)).fill(0x73);
    const mutated = Buffer.from('before');
    const sent = [group.multicast(shared), group.multicast(mutated)];
    shared.fill(0x21);
    mutated.fill(0x21);
    const gone = Buffer.from('going!');
    const own = new Uint8Array(gone);
    sent.push(group.multicast(own));
    structuredClone(own, { transfer: [own.buffer] });
    sent.push(group.multicast(Buffer.from('a whole pool').subarray(2, 7)));
    await Promise.all(sent);
    return {
      heard: [...heard], detached: await told(() => group.multicast(detached())),
      tooBig: await told(() => group.multicast(new Uint8Array(group.payloadBytesMax + 1))),
      largest: await told(() => group.multicast(new Uint8Array(group.payloadBytesMax))),
    };
  },
  async closings() {
    const group = await openCpg();
    const joins = [group.join(name), group.join(name), group.join('other')].map((p) => told(() => p));
    const concurrent = await Promise.all(joins);
    const send = () => told(() => group.multicast(new Uint8Array(100)));
    const sends = Array.from({ length: 300 }, send);
    const leaving = told(() => group.leave());
    const closes = [group.close(), group.close(), group.close()];
    await Promise.all(closes);
    const settled = distinct([...(await Promise.all(sends)), await leaving]);
    const later = await Promise.all([
      () => group.join(name), () => group.multicast(new Uint8Array(1)), () => group.leave(),
      () => group.membership(), () => group.groups(), () => group.localNodeId(),
      () => group.flowControl(), () => group.context, () => group.close(),
    ].map(told));
    const hasty = await openCpg();
    const joining = told(() => hasty.join(name));
    await hasty.close();
    const unjoined = await openCpg();
    await unjoined.close();
    return { concurrent, settled, later, hasty: await joining };
  },
  async throwing() {
    const caught: string[] = [];
    process.on('uncaughtException', (thrown) => caught.push(thrown.message));
    const group = await openCpg();
    const heard: string[] = [];
    for (const kind of ['view', 'ring', 'message'] as const) {
      group.on(kind, () => {
        throw new Error(`thrown at ${kind}`);
      });
      group.on(kind, () => heard.push(kind));
    }
    await group.join(name);
    await group.multicast(Buffer.from('1'));
    await group.multicast(Buffer.from('2'));
    await turn();
    return { heard: heard.sort(), caught: [...new Set(caught)].sort() };
  },
  async inside() {
    const log: string[] = [];
    const group = await openCpg();
    const done = new Promise<void>((resolve) => {
      group.once('view', () => void (async () => {
        const first = await told(() => group.multicast(Buffer.from('first')));
        log.push(`multicast in a view listener: ${first}`);
        const other = await openCpg();
        await other.join(`${name}-other`);
        other.on('message', () => void (async () => {
          log.push(`close in a message listener: ${await told(() => other.close())}`);
          log.push(`leave in one: ${await told(() => group.leave())}`);
          resolve();
        })());
        log.push(`sent and closed: ${await told(() => other.multicast(Buffer.from('x')))}`);
      })());
    });
    // Each one sends the next from within its own delivery.
    let nested = 0;
    group.on('message', () => {
      nested += 1;
      if (nested < 50) void told(() => group.multicast(Buffer.from(String(nested))));
    });
    await group.join(name);
    await done;
    return { log: log.sort(), nested: nested > 0 };
  },
  async exit() {
    const group = await openCpg();
    group.on('message', () => process.exit(7));
    await group.join(name);
    await group.multicast(Buffer.from('x'));
    return 'still here';
  },
  async garbage() {
    const collect = globalThis.gc;
    if (collect === undefined) throw new Error('start this with --expose-gc');
    let heard = 0;
    await (async () => {
      const kept = await openCpg();
      kept.on('message', () => (heard += 1));
      await kept.join(name);
    })();
    // Nobody holds the group any more but its own poll.
    const sender = await openCpg();
    await sender.join(`${name}-sender`);
    for (let round = 0; round < GARBAGE_ROUNDS; round += 1) {
      collect();
      const sent = sender.multicast(new Uint8Array(20_000).fill(round));
      collect();
      await sent;
      await turn();
    }
    return { rounds: GARBAGE_ROUNDS, heard };
  },
  async handles() {
    const before = process.memoryUsage().rss;
    const groups: Cpg[] = [];
    for (let index = 0; index < HANDLES; index += 1) {
      const group = await openCpg();
      groups.push(group);
      await group.join(`${name}-${index}`);
    }
    const sent = await Promise.all(groups.map((group) =>
      told(() => group.multicast(new Uint8Array(1)))));
    await Promise.all(groups.map((group) => group.close()));
    return { sent: [...new Set(sent)], grown: process.memoryUsage().rss - before < 1 << 30 };
  },
  async descriptors() {
    // Started with few descriptors: at some point none is left.
    const groups: Cpg[] = [];
    let refusal = 'none';
    for (let index = 0; index < HANDLES && refusal === 'none'; index += 1) {
      const outcome = await told(async () => groups.push(await openCpg()));
      if (outcome !== 'ok') refusal = outcome;
    }
    await Promise.all(groups.map((group) => group.close()));
    const after = await told(async () => (await joined()).close());
    return { refusal: refusal.split(':')[0], some: groups.length > 2, after };
  },
  async reopenings() {
    const fds = new Set<number | null>();
    for (let index = 0; index < REOPENINGS; index += 1) {
      const group = await joined();
      fds.add(group.fd);
      void told(() => group.multicast(new Uint8Array(10)));
      // The next one comes to the same descriptor as soon as this one is gone.
      await group.close();
    }
    return { reused: fds.size < REOPENINGS };
  },
  async watching() {
    const watch = await openProcessWatch();
    const pids: readonly unknown[] = [-1, 0, 1.5, NaN, Infinity, 2 ** 40, '1', null, {}, 1n];
    const ask = watch.identify.bind(watch) as (pid: unknown) => Promise<unknown>;
    const identified = [];
    for (const pid of pids) identified.push(await ask(pid).then((found) => found, String));
    const self = await watch.identify(process.pid);
    let ended = 0;
    const watched = pids.map((pid) =>
      watch.watch({ pid, startTime: 0 } as never, () => (ended += 1)));
    const stale = watch.watch({ pid: process.pid, startTime: 1 }, () => (ended += 1));
    if (self === null) throw new Error('this process is not to be found');
    const own = watch.watch(self, () => (ended += 1_000));
    for (let turns = 0; turns < 20; turns += 1) await turn();
    for (const one of [...watched, stale, own, own]) one.close();
    return { identified: [...new Set(identified)], ended, watched: watched.length + 1 };
  },
  async death() {
    const group = await joined();
    const lost = new Promise<string>((resolve) => group.once('lost', ({ code }) => resolve(code)));
    const pending = told(() => new Promise<never>((_resolve, reject) => group.once('lost', reject)));
    console.log('ready');
    const code = await lost;
    await pending;
    const calls = await Promise.all([
      () => group.multicast(new Uint8Array(1)), () => group.join(name), () => group.leave(),
      () => group.membership(), () => group.groupNames(), () => group.membersOf(name),
      () => group.localNodeId(), () => group.flowControl(), () => group.context,
      () => group.close(), () => group.close(), () => openCpg(),
    ].map(told));
    return { code, calls };
  },
};

const result = await (ACTS[act] ?? (() => Promise.reject(new Error(`no act ${act}`))))();
console.log(JSON.stringify(result));
process.exit(0);
