import test from 'ava';
import type { Group } from '../../../src/cpg/index.js';
import { createCluster, createRandom, type Random } from '../../../src/embedded/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { chooseSeed } from '../../support/property-seed.js';

const NODE_IDS = [1, 2, 3];
const RUNS = 30;
const STEPS = 60;
const SETTLE_MS = 2_000;
const TIMINGS = { detectionMs: 60, ringMs: 20, jitterMs: 15 };

/** One thing that a member was told. */
type Told =
  | { readonly kind: 'message'; readonly text: string; readonly shown: readonly number[] }
  | { readonly kind: 'ring'; readonly id: string };

interface Witness {
  readonly nodeId: number;
  readonly group: Group;
  readonly told: Told[];
  /** Of our own, in the order of the calls; the outcome of each. */
  readonly sent: { readonly text: string; outcome: string }[];
}

/** Three members that send while a random hand pauses nodes and cuts them off. */
class Storm {
  readonly clock = new FakeClock();
  readonly witnesses: Witness[] = [];
  readonly #random: Random;
  readonly #cluster;

  constructor(seed: number, loneEchoRate: number) {
    this.#random = createRandom(seed);
    this.#cluster = createCluster({
      nodes: NODE_IDS.map((id) => ({ id, name: `node${id}` })),
      clock: this.clock, seed, timings: TIMINGS, loneEchoRate,
    });
  }

  async run(): Promise<void> {
    for (const nodeId of NODE_IDS) await this.#join(nodeId);
    for (let step = 0; step < STEPS; step += 1) {
      this.#disturb();
      for (const witness of this.witnesses) if (this.#random() < 0.7) this.#send(witness);
      await this.clock.advance(Math.floor(this.#random() * 50));
    }
    this.#cluster.heal();
    for (const id of NODE_IDS) this.#cluster.resume(id);
    await this.clock.advance(SETTLE_MS);
  }

  async #join(nodeId: number): Promise<void> {
    const group = await this.#cluster.node(nodeId).startProcess().openGroup();
    const witness: Witness = { nodeId, group, told: [], sent: [] };
    let shown: readonly number[] = [];
    group.on('view', ({ members }) => {
      shown = members.map((member) => member.nodeId);
    });
    group.on('ring', ({ nodeId: first, seq }) =>
      witness.told.push({ kind: 'ring', id: `${first}/${seq}` }));
    group.on('message', (_from, payload) =>
      witness.told.push({ kind: 'message', text: Buffer.from(payload).toString(), shown }));
    const joined = group.join('storm');
    await this.clock.advance(SETTLE_MS);
    await joined;
    this.witnesses.push(witness);
  }

  #disturb(): void {
    const id = NODE_IDS[Math.floor(this.#random() * NODE_IDS.length)] ?? 1;
    const dice = this.#random();
    if (dice < 0.1) this.#cluster.pause(id);
    else if (dice < 0.3) this.#cluster.resume(id);
    else if (dice < 0.4) this.#cluster.cut([id]);
    else if (dice < 0.55) this.#cluster.heal();
  }

  #send({ nodeId, group, sent }: Witness): void {
    const entry = { text: `${nodeId}:${sent.length}`, outcome: 'pending' };
    sent.push(entry);
    const note = (outcome: string) => (): void => {
      entry.outcome = outcome;
    };
    group.multicast(Buffer.from(entry.text)).then(note('echoed'), note('rejected'));
  }
}

const textsOf = ({ told }: Witness): readonly string[] =>
  told.flatMap((one) => (one.kind === 'message' ? [one.text] : []));

/** What came between one ring and the next, by both. */
function epochsOf({ told }: Witness): ReadonlyMap<string, string> {
  const epochs = new Map<string, string>();
  let [ring, texts] = ['', [] as string[]];
  for (const one of told) {
    if (one.kind === 'message') texts.push(one.text);
    else {
      epochs.set(`${ring} -> ${one.id}`, texts.join());
      [ring, texts] = [one.id, []];
    }
  }
  return epochs;
}

/** The first invariant that does not hold, or null. */
function violation(witnesses: readonly Witness[]): string | null {
  for (const one of witnesses) {
    const told = textsOf(one);
    if (new Set(told).size !== told.length) return `${one.nodeId} was told something twice`;
    const own = told.filter((text) => text.startsWith(`${one.nodeId}:`));
    const echoed = one.sent.filter(({ outcome }) => outcome === 'echoed').map(({ text }) => text);
    if (own.join() !== echoed.join()) return `${one.nodeId} was not told its own as they settled`;
    if (echoed.length !== one.sent.length) return `${one.nodeId} lost something of its own`;
    for (const other of witnesses) {
      const theirs = textsOf(other);
      const common = new Set(told.filter((text) => theirs.includes(text)));
      const both = [told, theirs].map((list) => list.filter((text) => common.has(text)).join());
      if (both[0] !== both[1]) return `${one.nodeId} and ${other.nodeId} disagree on the order`;
      const epochs = epochsOf(other);
      for (const [epoch, texts] of epochsOf(one)) {
        if (epochs.has(epoch) && epochs.get(epoch) !== texts && !epoch.startsWith(' ->')) {
          return `${one.nodeId} and ${other.nodeId} went ${epoch} with different messages`;
        }
      }
    }
  }
  return null;
}

/** Echoes that came to nobody but their sender, in a view that shows the others. */
function loneEchoes(witnesses: readonly Witness[]): number {
  return witnesses.reduce((sum, one) => {
    const others = witnesses.filter((other) => other !== one).flatMap(textsOf);
    return sum + one.told.filter((told) => told.kind === 'message'
      && told.shown.length === witnesses.length && !others.includes(told.text)).length;
  }, 0);
}

for (const loneEchoRate of [0, 0.5]) {
  const when = loneEchoRate > 0 ? 'with lone echoes' : 'without lone echoes';
  test(`order, self-delivery and view synchrony hold under random faults and jitter, ${when}`, async (t) => {
    const seed = chooseSeed(t);
    let alone = 0;
    let messages = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const storm = new Storm(seed + run, loneEchoRate);
      await storm.run();
      const broken = violation(storm.witnesses);
      if (broken !== null) return t.fail(`run with seed ${seed + run}: ${broken}`);
      alone += loneEchoes(storm.witnesses);
      messages += storm.witnesses.reduce((sum, { sent }) => sum + sent.length, 0);
    }
    t.log(`${messages} messages, ${alone} lone echoes`);
    t.true(messages > RUNS * STEPS);
    t.is(alone > 0, loneEchoRate > 0);
  });
}
