import type { ExecutionContext } from 'ava';
import type { LockView } from '../../../src/coordinator/core/view.js';
import type { HandoverAction, HandoverResult } from '../../../src/coordinator/service.js';
import { ownerOf, type World } from './world.js';

const OWNER = 'guest';
const THIRD = 3;
/** How often the third asks. */
const HAMMER_MS = 31;
/** Looks and steps that `conclude` takes at most. */
const STEPS_MAX = 200;
const PAUSE_MS = 500;

/**
 * A guest that lives on node 1 and is to move to node 2, and a third node that asks for its disk
 * all the time, in every mode that there is, and must never get it.
 */
export class Guest {
  /** What the third was granted, or was let in the kernel. */
  readonly intrusions: string[] = [];
  readonly #t: ExecutionContext;
  readonly #world: World;
  #generation = 0;
  #hammers = false;

  constructor(t: ExecutionContext, world: World) {
    this.#t = t;
    this.#world = world;
  }

  /** Takes the disk on node 1; from then on the third asks for it. */
  async begin(): Promise<void> {
    const { generation } = await this.#world.acquire(1, 'disk', { owner: OWNER });
    this.#noteGeneration(generation);
    this.#hammers = true;
    this.#hammer();
    this.#world.ask(THIRD, 'disk', { owner: 'patient', waitMs: null }).promise.then(
      () => this.#intrude('patient EX'), () => undefined,
    );
  }

  /** The lock may be free from now on. */
  letIn(): void {
    this.#hammers = false;
  }

  ask(id: number, action: HandoverAction, waitMs: number | null = 5_000): Promise<HandoverResult> {
    const { signal } = new AbortController();
    const to = action === 'open' ? 'n2' : null;
    const result = this.#world.at(id).handover({
      action, resource: 'disk', owner: ownerOf(OWNER), to, waitMs, signal,
    });
    result.catch(() => undefined);
    return result;
  }

  do(id: number, action: HandoverAction, waitMs: number | null = 5_000): Promise<HandoverResult> {
    return this.#world.finish(this.ask(id, action, waitMs));
  }

  /** Its lock as that node's own daemon tells it; null without one. */
  lockOf(id: number): LockView | null {
    if (!this.#world.node(id).isRunning) return null;
    return this.#world.at(id).locks().find((lock) => {
      return lock.node.id === id && lock.resource === 'disk' && lock.owner !== null
        && 'name' in lock.owner && lock.owner.name === OWNER;
    }) ?? null;
  }

  /** The node that has it alone, and nobody else has anything; null while it is not so. */
  get home(): number | null {
    const here = [1, 2].filter((id) => this.lockOf(id) !== null);
    const [id] = here;
    if (here.length !== 1 || id === undefined) return null;
    const lock = this.lockOf(id);
    return lock?.mode === 'EX' && lock.state === 'held' && lock.handover === undefined ? id : null;
  }

  async untilHome(id: number): Promise<void> {
    await this.#world.until(`n${id} to have it alone`, () => this.home === id);
    this.#checkEnd(id);
  }

  /** Does what an agent would until one node has it alone, and says which. */
  async conclude(): Promise<number> {
    for (let steps = 0; steps < STEPS_MAX; steps += 1) {
      const { home } = this;
      if (home !== null) {
        this.#checkEnd(home);
        return home;
      }
      const [source, destination] = [this.lockOf(1), this.lockOf(2)];
      const step = source?.handover?.step;
      const isThere = this.#world.node(2).isRunning;
      if (step === 'offered' && destination === null && isThere) await this.#try(2, 'join');
      else if (step === 'joined' && destination?.handover?.step === 'joined') {
        await this.#try(1, 'finish');
      } else await this.#world.advance(PAUSE_MS);
    }
    throw new Error(`the handover does not end\n${JSON.stringify([this.lockOf(1), this.lockOf(2)])}` +
      `\n${this.#world.describe()}`);
  }

  async #try(id: number, action: HandoverAction): Promise<void> {
    await this.do(id, action).catch(() => undefined);
  }

  #checkEnd(id: number): void {
    this.#t.deepEqual(this.intrusions, [], 'the third never gets in');
    this.#noteGeneration(this.lockOf(id)?.generation ?? null);
  }

  #noteGeneration(generation: number | null): void {
    this.#t.true(generation !== null && generation >= this.#generation,
      `${generation} after ${this.#generation}`);
    this.#generation = generation ?? this.#generation;
  }

  #hammer(): void {
    const { clock } = this.#world;
    if (!this.#hammers) return;
    this.#lookIntoKernel();
    if (this.#world.node(THIRD).isRunning) {
      for (const mode of ['EX', 'PW', 'PR', 'CW', 'CR'] as const) {
        this.#world.ask(THIRD, 'disk', { mode, owner: `hammer-${mode}` }).promise.then(
          () => this.#intrude(mode), () => undefined,
        );
      }
    }
    clock.setTimer(HAMMER_MS, () => this.#hammer());
  }

  #intrude(what: string): void {
    if (this.#hammers) this.intrusions.push(what);
  }

  #lookIntoKernel(): void {
    const lockspace = this.#world.cluster.engine.lockspace('holdfast');
    for (const { resource, status } of lockspace.locksOf(THIRD)) {
      if (resource !== 'disk' || status.kind !== 'granted' || status.mode === 'NL') continue;
      this.intrusions.push(`kernel: ${status.mode}`);
    }
  }
}
