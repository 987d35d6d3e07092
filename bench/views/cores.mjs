import { initialState } from '../../build/src/coordinator/core/state.js';
import { step } from '../../build/src/coordinator/core/step.js';
import { MessageStamp } from '../../build/src/coordinator/message-stamp.js';
import { decode } from '../../build/src/coordinator/wire/index.js';

const RING = { nodeId: 1, seq: 4n };
const WALL_MS = 1_790_000_000_000;

/** One coordinator's core with a lock manager that grants at once, and what its steps cost. */
class Core {
  constructor(id) {
    this.id = id;
    this.member = { nodeId: id, pid: id * 100 };
    this.state = initialState({
      nodeId: 0, nodeName: `n${id}`, incarnation: id.toString(16).padStart(32, '0'),
      bootId: `boot-${id}`, lockspace: 'holdfast', group: 'holdfast', softwareVersion: '1.0.0',
    }, WALL_MS, 1_000);
    this.stamp = new MessageStamp(this.state);
    this.stepMs = 0;
  }

  get synced() {
    return [...this.state.peers.values()].filter(({ state }) => state === 'synced').length;
  }
}

/**
 * Cores that hear each other in one order, as in a group of corosync, on a clock that stands still
 * unless told. Messages go through their bytes; each is decoded once, for all.
 */
export class CoreGroup {
  cores = [];
  nowMs = 1_000;
  decodeMs = 0;
  bytes = new Map();
  messages = 0;
  #queue = [];
  #members = [];

  /** A daemon with that many held locks, started and not yet in the group. */
  add(id, locks) {
    const core = new Core(id);
    const listed = Array.from({ length: locks }, (_, index) => {
      const resource = `vm-${id}-disk-${String(index).padStart(8, '0')}`;
      return {
        lock: {
          id: index + 1, resource, lockName: resource, mode: 'EX',
          owner: { kind: 'named', name: `machine-${id}-${index}` }, bootId: `boot-${id}`,
        },
        state: 'held', since: WALL_MS, why: null, generation: WALL_MS * 1_024 + index,
      };
    });
    this.cores.push(core);
    this.give(core, {
      kind: 'list-found', locks: listed, generations: { upTo: 0, isCertain: true },
    });
    this.give(core, { kind: 'quorum', quorate: true, nodeIds: this.cores.map((one) => one.id) });
    const condition = { kind: 'running', members: this.cores.map((one) => one.id) };
    this.give(core, { kind: 'lockspace-condition', condition, askedMs: this.nowMs });
    const orphans = listed.map(({ lock: { lockName, mode } }) => ({ lockName, mode }));
    this.give(core, { kind: 'lockspace-open', opening: 1, orphans });
    return core;
  }

  /** It joins, and everything that follows from that has happened. */
  join(core) {
    this.#members.push(core.member);
    this.give(core, { kind: 'group-joining', self: core.member });
    const joined = [{ ...core.member, reason: 'join' }];
    for (const one of this.#inGroup()) {
      this.give(one, { kind: 'view', members: [...this.#members], left: [], joined });
    }
    this.give(core, { kind: 'ring', ring: RING });
    this.settle();
  }

  #inGroup() {
    return this.cores.filter(({ member }) => this.#members.includes(member));
  }

  /** One event for one core, and its effects. */
  give(core, event) {
    const begunMs = performance.now();
    const effects = step(core.state, event, {
      wallMs: WALL_MS + this.nowMs, monotonicMs: this.nowMs,
    });
    core.stepMs += performance.now() - begunMs;
    for (const effect of effects) this.#perform(core, effect);
  }

  #perform(core, effect) {
    if (effect.kind === 'send') this.#send(core, effect.body.kind, core.stamp.encode(effect.body));
    else if (effect.kind === 'send-snapshot') {
      for (const bytes of core.stamp.encodeSnapshot(effect)) this.#send(core, 'snapshot', bytes);
    } else if (effect.kind === 'reserve-generations') {
      this.give(core, { kind: 'generations-reserved', upTo: effect.above + 4_096 });
    } else if (effect.kind === 'lock') {
      const { kind, id } = effect.action;
      const outcome = { take: 'granted', unlock: 'unlocked', adopt: 'adopted' }[kind];
      if (outcome !== undefined) this.give(core, { kind: outcome, id });
    }
  }

  #send(core, kind, bytes) {
    this.messages += 1;
    this.bytes.set(kind, (this.bytes.get(kind) ?? 0) + bytes.byteLength);
    this.#queue.push({ from: core.member, bytes });
  }

  /** Delivers until nobody has anything more to say. */
  settle() {
    for (let at = 0; at < this.#queue.length; at += 1) {
      const { from, bytes } = this.#queue[at];
      this.#queue[at] = null;
      const begunMs = performance.now();
      const envelope = decode(bytes);
      this.decodeMs += performance.now() - begunMs;
      for (const core of this.#inGroup()) this.give(core, { kind: 'message', from, envelope });
    }
    this.#queue = [];
  }

  /** Lets time pass for all. */
  wait(delayMs) {
    this.nowMs += delayMs;
    for (const core of this.#inGroup()) this.give(core, { kind: 'tick' });
    this.settle();
  }

  /** Takes a lock and gives it back; both have been told to everybody. */
  cycle(core, resource) {
    const owner = { kind: 'named', name: 'machine-under-change' };
    const wish = { caller: 1, resource, owner };
    this.give(core, { kind: 'acquire', ...wish, lockName: resource, mode: 'EX', waitMs: 0 });
    this.settle();
    this.give(core, { kind: 'release', ...wish });
    this.settle();
  }

  /** From here on costs are counted anew. */
  reset() {
    this.decodeMs = 0;
    this.messages = 0;
    this.bytes.clear();
    for (const core of this.cores) core.stepMs = 0;
  }

  get bytesInAll() {
    return [...this.bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }
}

/** So many daemons with so many locks each, all in the group and synced. */
export function groupOf(size, locks) {
  const group = new CoreGroup();
  for (let id = 1; id <= size; id += 1) group.join(group.add(id, locks));
  group.wait(1);
  const unsynced = group.cores.filter(({ synced }) => synced !== size - 1);
  if (unsynced.length > 0) throw new Error(`${unsynced.length} of ${size} cores are not synced`);
  return group;
}
