import test from 'ava';
import type { LockMode, Lockspace } from '../../src/dlm/index.js';
import {
  createCluster, createRandom, type EmbeddedCluster, type EmbeddedProcess, type Random,
} from '../../src/embedded/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { chooseSeed } from '../support/property-seed.js';
import { areNaivelyCompatible } from './dlm/naive-locks.js';

const NODES = 5;
const STEPS = 120;
const RESOURCES = ['a', 'b'];
const MODES: readonly LockMode[] = ['CR', 'CW', 'PR', 'PW', 'EX'];

interface Claim {
  readonly process: EmbeddedProcess;
  readonly resource: string;
  readonly mode: LockMode;
}

/** Processes that take and give back locks while a random hand breaks the cluster. */
class Chaos {
  readonly clock = new FakeClock();
  readonly trace: string[] = [];
  readonly cluster: EmbeddedCluster;
  readonly #random: Random;
  readonly #claims = new Set<Claim>();
  readonly #processes: EmbeddedProcess[] = [];

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.cluster = createCluster({
      nodes: Array.from({ length: NODES }, (_, index) => ({ id: index + 1, name: `n${index + 1}` })),
      clock: this.clock, seed, fencingPowersOff: true, timings: { jitterMs: 5, lockMs: 1 },
    });
    for (const { id } of this.cluster.nodes) this.#start(id);
  }

  get grants(): number {
    return this.trace.filter((line) => line.includes('granted')).length;
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) {
      this.#disturb();
      for (let part = 0; part < 4; part += 1) {
        await this.clock.advance(this.#below(60));
        this.#assertExclusion();
      }
    }
  }

  /** Repairs everything, and waits until every powered node's lockspace runs. */
  async repair(): Promise<void> {
    this.cluster.heal();
    for (const { id } of this.cluster.nodes) {
      this.cluster.powerOff(id);
      this.cluster.confirmFencing(id);
    }
    for (const { id } of this.cluster.nodes) {
      this.cluster.powerOn(id);
      this.#start(id);
    }
    await this.clock.advance(5_000);
    this.#assertExclusion();
  }

  #disturb(): void {
    const id = 1 + this.#below(NODES);
    const what = this.#below(14);
    this.trace.push(`${this.clock.monotonic()} ${what} on ${id}`);
    if (what === 0) this.cluster.powerOff(id);
    else if (what <= 2) for (const node of this.cluster.nodes) this.#boot(node.id);
    else if (what === 3) this.cluster.cut([id, 1 + this.#below(NODES)]);
    else if (what <= 5) this.cluster.heal();
    else if (what === 6) this.cluster.pause(id);
    else if (what <= 8) for (const node of this.cluster.nodes) this.cluster.resume(node.id);
    else if (what === 9) this.cluster.killCorosync(id);
    else if (what === 10) this.cluster.startCorosync(id);
    else if (what === 11) this.#killOne();
    else if (what === 12) this.cluster.withholdFencing(id);
    else this.cluster.confirmFencing(id);
  }

  #boot(id: number): void {
    if (this.cluster.node(id).state !== 'off') return;
    this.cluster.powerOn(id);
    this.#start(id);
  }

  #killOne(): void {
    const process = this.#processes[this.#below(this.#processes.length)];
    if (process?.alive !== true) return;
    process.kill();
    this.#start(process.nodeId);
  }

  #start(id: number): void {
    const process = this.cluster.node(id).startProcess();
    this.#processes.push(process);
    process.lockManager().openLockspace('ls').then(
      (lockspace) => this.#takeNext(process, lockspace),
      (cause: unknown) => this.trace.push(`${id} cannot open: ${(cause as Error).message}`),
    );
  }

  #takeNext(process: EmbeddedProcess, lockspace: Lockspace): void {
    const resource = RESOURCES[this.#below(RESOURCES.length)] ?? 'a';
    const mode = MODES[this.#below(MODES.length)] ?? 'EX';
    const take = lockspace.take({ resource, mode, wait: this.#below(3) > 0 });
    const again = (): void => {
      process.clock.setTimer(1 + this.#below(50), () => this.#takeNext(process, lockspace));
    };
    take.granted.then(() => {
      const claim = { process, resource, mode };
      this.#claims.add(claim);
      this.trace.push(`${this.clock.monotonic()} ${process.nodeId} granted ${mode} ${resource}`);
      process.clock.setTimer(this.#below(100), () => {
        this.#claims.delete(claim);
        lockspace.unlock(take.id).then(again, (cause: unknown) => this.trace.push(String(cause)));
      });
    }, again);
  }

  #assertExclusion(): void {
    const live = [...this.#claims].filter(({ process }) => process.alive);
    for (const [at, claim] of live.entries()) {
      for (const other of live.slice(at + 1)) {
        if (claim.resource !== other.resource) continue;
        if (areNaivelyCompatible(claim.mode, other.mode)) continue;
        const line = `nodes ${claim.process.nodeId} and ${other.process.nodeId} hold ${claim.mode} and ${other.mode} of ${claim.resource}`;
        throw new Error([...this.trace.slice(-40), line].join('\n'));
      }
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

test('no two live processes hold incompatible modes, whatever breaks', async (t) => {
  const first = chooseSeed(t);
  for (let seed = first; seed < first + 10; seed += 1) {
    const chaos = new Chaos(seed);
    await t.notThrowsAsync(chaos.run(), `seed ${seed}`);
    const before = chaos.grants;
    await t.notThrowsAsync(chaos.repair(), `seed ${seed}`);
    t.true(chaos.grants > before, `seed ${seed}: nothing is granted after everything was repaired`);
    for (const { id } of chaos.cluster.nodes) {
      t.is(chaos.cluster.engine.stateOf(id, 'ls').kind, 'running', `seed ${seed}, node ${id}`);
    }
  }
});

test('the same seed is the same run', async (t) => {
  const seed = chooseSeed(t);
  const [one, two] = [new Chaos(seed), new Chaos(seed)];
  await one.run();
  await two.run();
  t.deepEqual(one.trace, two.trace);
  t.not(one.trace.length, 0);
});
