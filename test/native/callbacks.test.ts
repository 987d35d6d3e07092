import test, { type ExecutionContext } from 'ava';
import koffi from 'koffi';
import type { CmapEvent } from '../../src/cmap/connection.js';
import { CMAP_TYPES } from '../../src/cmap/interface.js';
import { notifyInto } from '../../src/cmap/notify.js';
import { callbacksInto as cpgInto, type Inbox } from '../../src/cpg/callbacks.js';
import { CPG_MEMBERS_MAX } from '../../src/cpg/constants.js';
import { CPG_TYPES } from '../../src/cpg/interface.js';
import { callbackReader, registerCallbacks as registerCpg } from '../../src/cpg/native.js';
import { createRandom, type Random } from '../../src/embedded/index.js';
import type { CCallback } from '../../src/native/c-type.js';
import { protoOf, registerCallback } from '../../src/native/declare.js';
import { NODE_IDS_MAX, nativeMemory } from '../../src/native/memory.js';
import type { QuorumEvent } from '../../src/quorum/connection.js';
import { QUORUM_TYPES } from '../../src/quorum/interface.js';
import { callbacksInto as quorumInto } from '../../src/quorum/native-connection.js';
import { registerCallbacks as registerQuorum } from '../../src/quorum/native.js';
import { chooseSeed } from '../support/property-seed.js';

const RUNS = 400;
/** Room for every count that may be read; a bound that is missing ends in a crash. */
const MEMORY_BYTES = 64 << 10;

/** C memory of noise, and the callbacks called as C would, through koffi both ways. */
class Noise {
  readonly address = koffi.alloc('uint8_t', MEMORY_BYTES) as bigint;
  readonly bytes = new Uint8Array(koffi.view(this.address, MEMORY_BYTES));
  readonly #random: Random;

  constructor(t: ExecutionContext) {
    this.#random = createRandom(chooseSeed(t));
    t.teardown(() => koffi.free(this.address));
  }

  refill(): void {
    for (let index = 0; index < this.bytes.length; index += 97) {
      this.bytes[index] = this.below(256);
    }
    // A C string ends somewhere.
    this.bytes[this.below(300)] = 0;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** A number of 32 bits; every other one small, or at an end. */
  word(): number {
    return [0, 0xffff_ffff, this.below(64), this.below(2 ** 32)][this.below(4)] ?? 0;
  }

  /** Where a list may lie, and how long C says that it is: within memory, or beyond any bound. */
  list(longestMax: number): readonly [bigint | null, number] {
    const counts = [0, 1, this.below(longestMax), longestMax, longestMax + 1, 0xffff_ffff];
    return [this.below(5) === 0 ? null : this.address, counts[this.below(counts.length)] ?? 0];
  }
}

type Call = (pointer: bigint, ...args: readonly unknown[]) => void;

/** Calls a function pointer of that type from C. */
function callerOf(type: CCallback): Call {
  const proto = protoOf(koffi, type);
  return (pointer, ...args) => void koffi.call(pointer, proto, ...args);
}

test('whatever members, rings and messages libcpg tells of become events, within their bounds', (t) => {
  const noise = new Noise(t);
  const inbox: Inbox = { events: [], kept: () => null };
  const pointers = registerCpg(koffi, cpgInto(callbackReader(koffi), inbox));
  const kinds = new Set<string>();
  const confchg = callerOf(CPG_TYPES.confchg);
  const totemConfchg = callerOf(CPG_TYPES.totemConfchg);
  const deliver = callerOf(CPG_TYPES.deliver);
  for (let run = 0; run < RUNS; run += 1) {
    noise.refill();
    const lists = [1, 2, 3].flatMap(() => noise.list(CPG_MEMBERS_MAX));
    confchg(pointers.confchg, noise.word(), noise.address, ...lists);
    const ring = { nodeid: noise.word(), seq: BigInt(noise.word()) ** 2n & (2n ** 64n - 1n) };
    const [nodeIds, count] = noise.list(NODE_IDS_MAX);
    totemConfchg(pointers.totemConfchg, noise.word(), ring, count, nodeIds);
    const message = noise.below(5) === 0 ? null : noise.address;
    deliver(pointers.deliver,
      1, noise.address, noise.word(), noise.word(), message, noise.below(MEMORY_BYTES));
    t.is(inbox.events.length, 3);
    for (const event of inbox.events.splice(0)) {
      kinds.add(event.kind);
      if (event.kind === 'ring') t.true(event.nodeIds.length <= NODE_IDS_MAX);
      if (event.kind !== 'view') continue;
      const { members, left, joined } = event.view;
      t.true(Math.max(members.length, left.length, joined.length) <= CPG_MEMBERS_MAX);
      t.true(left.every(({ reason }) => typeof reason === 'string'));
    }
  }
  pointers.release();
  t.deepEqual([...kinds].sort(), ['broken', 'message', 'ring', 'view']);
});

test('whatever node lists libquorum tells of become events, within their bounds', (t) => {
  const noise = new Noise(t);
  const events: QuorumEvent[] = [];
  const pointers = registerQuorum(koffi, quorumInto(nativeMemory(koffi), events));
  const kinds = new Set<string>();
  const nodelistNotify = callerOf(QUORUM_TYPES.nodelistNotify);
  const quorumNotify = callerOf(QUORUM_TYPES.quorumNotify);
  const longest = (lists: readonly (readonly number[])[]): number =>
    Math.max(...lists.map(({ length }) => length));
  for (let run = 0; run < RUNS; run += 1) {
    noise.refill();
    const ring = { nodeid: noise.word(), seq: noise.word() };
    const lists = [1, 2, 3].map(() => [...noise.list(NODE_IDS_MAX)].reverse());
    nodelistNotify(pointers.nodelistNotify, noise.word(), ring, ...lists.flat());
    quorumNotify(pointers.quorumNotify,
      noise.word(), noise.word(), ring, ...(lists[0] ?? []));
    t.is(events.length, 2);
    for (const event of events.splice(0)) {
      kinds.add(event.kind);
      if (event.kind === 'quorum') t.true(event.state.nodeIds.length <= NODE_IDS_MAX);
      if (event.kind !== 'nodelist') continue;
      const { members, joined, left } = event.change;
      t.true(longest([members, joined, left]) <= NODE_IDS_MAX);
    }
  }
  pointers.release();
  t.deepEqual([...kinds].sort(), ['broken', 'nodelist', 'quorum']);
});

test('whatever values libcmap tells of become events, within their bounds', (t) => {
  const noise = new Noise(t);
  const events: CmapEvent[] = [];
  const told = notifyInto(nativeMemory(koffi), events);
  const pointer = registerCallback(koffi, CMAP_TYPES.notify, told);
  const kinds = new Set<string>();
  const notify = callerOf(CMAP_TYPES.notify);
  const value = () => {
    const [data, len] = noise.list(32 << 10);
    const lengths = [len, noise.below(9), 1, 2, 4, 8];
    return { type: noise.below(14), len: lengths[noise.below(6)] ?? 0, data };
  };
  for (let run = 0; run < RUNS; run += 1) {
    noise.refill();
    const event = [1, 2, 4, noise.word() | 0][noise.below(4)];
    notify(pointer, 1, 1, event, 'some.key', value(), value(), 1);
    t.is(events.length, 1);
    const [heard] = events.splice(0);
    kinds.add(heard?.kind ?? '');
    if (heard?.kind !== 'change' || heard.change.kind === 'deleted') continue;
    const { value: now } = heard.change;
    if (now.type === 'binary') t.true(now.value.byteLength <= (16 << 10) + 1);
  }
  koffi.unregister(pointer);
  t.deepEqual([...kinds].sort(), ['broken', 'change']);
});
