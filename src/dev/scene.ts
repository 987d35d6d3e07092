import { openControlClient, RefusedError, type ControlClient } from '../control/index.js';
import { messageOf } from '../errors.js';
import type { DevCluster } from './dev-cluster.js';

/** What the scene is about, in its own words. */
const RESOURCE = 'vm-disk-1';
const OWNER = { kind: 'named', name: 'vm-alpha' } as const;
const OTHER_OWNER = { kind: 'named', name: 'vm-alpha-standby' } as const;

/** How long anything in the scene may take before it counts as not having happened. */
const PATIENCE_MS = 20_000;
const POLL_MS = 20;

/** A step did not happen; the message says which. */
export class SceneError extends Error {}

type Say = (line: string) => void;

/**
 * Plays the main job on a development cluster of three, through the control sockets as any
 * client would. Every step is checked: throws SceneError when one did not happen.
 */
export async function playScene(cluster: DevCluster, say: Say): Promise<void> {
  const scene = new Scene(cluster, say);
  await scene.acquire();
  await scene.refuseElsewhere('2. n2 asks for it, and is told who has it:');
  await scene.crashAndStillHold();
  await scene.returnAndAdopt();
  await scene.powerOffAndTakeOver();
}

class Scene {
  readonly #cluster: DevCluster;
  readonly #say: Say;

  constructor(cluster: DevCluster, say: Say) {
    this.#cluster = cluster;
    this.#say = say;
  }

  #client(nodeId: number): ControlClient {
    return openControlClient({ socketPath: this.#cluster.socketPath(nodeId) });
  }

  async acquire(): Promise<void> {
    this.#say(`1. n1 acquires '${RESOURCE}' for ${OWNER.name}:`);
    const { lock } = await this.#client(1).acquire({
      resource: RESOURCE, mode: 'EX', owner: OWNER, waitMs: 0,
    });
    this.#expect(lock.state === 'held', `n1 holds ${RESOURCE}`);
    this.#say(`   held ${lock.mode} on ${lock.node.name} since ${lock.since}`);
  }

  async refuseElsewhere(title: string): Promise<void> {
    this.#say(title);
    const refusal = await this.#client(2)
      .acquire({ resource: RESOURCE, mode: 'EX', owner: OTHER_OWNER, waitMs: 0 })
      .then(() => null, (error: unknown) => error);
    const named =
      refusal instanceof RefusedError &&
      refusal.code === 'HELD' &&
      refusal.holders.some((holder) => holder.node.name === 'n1');
    this.#expect(named, `n2 is refused and told that n1 holds it (got: ${messageOf(refusal)})`);
    this.#say(`   ${messageOf(refusal)}`);
  }

  async crashAndStillHold(): Promise<void> {
    this.#say(`3. n1's coordinator is killed; its lock holds without it:`);
    await this.#cluster.crash(1);
    await this.#until(`n2 sees that n1's daemon is down`, async () => {
      return (await this.#nodeState(2, 1)) === 'daemon-down';
    });
    await this.refuseElsewhere(`   n2 asks again:`);
  }

  async returnAndAdopt(): Promise<void> {
    this.#say(`4. n1's coordinator starts again and adopts what it held:`);
    await this.#cluster.start(1);
    await this.#until(`n3 sees ${RESOURCE} held on n1 by ${OWNER.name} again`, async () => {
      const locks = await this.#client(3).locks();
      return locks.some(
        (lock) =>
          lock.resource === RESOURCE && lock.state === 'held' && lock.node.name === 'n1' &&
          lock.nodeState === 'synced' && lock.owner?.kind === 'named' &&
          lock.owner.name === OWNER.name,
      );
    });
    this.#say(`   n3 sees it held on n1 for ${OWNER.name}, as before`);
  }

  async powerOffAndTakeOver(): Promise<void> {
    this.#say(`5. n2 waits for it, and n1's power is cut:`);
    const granted = this.#client(2).acquire({
      resource: RESOURCE, mode: 'EX', owner: OTHER_OWNER, waitMs: PATIENCE_MS,
    });
    await this.#until('n3 sees n2 waiting', async () => {
      return (await this.#client(3).locks()).some((lock) => lock.state === 'waiting');
    });
    const cut = performance.now();
    await this.#cluster.powerOff(1);
    await this.#until('n3 sees node-down', async () => {
      const state = await this.#nodeState(3, 1);
      return state === 'node-down' || state === 'recovered';
    });
    this.#say(`   n3: n1 is node-down (${elapsed(cut)}): its lock still holds`);
    const { lock } = await granted;
    this.#expect(lock.node.name === 'n2' && lock.state === 'held', `n2 holds ${RESOURCE}`);
    this.#say(`   n2 holds '${RESOURCE}' now (${elapsed(cut)}): it ${lock.note ?? 'was granted'}`);
    await this.#until('n3 sees n1 recovered', async () => {
      return (await this.#nodeState(3, 1)) === 'recovered';
    });
    this.#say(`   n3: n1 is recovered (${elapsed(cut)}): DLM proved that its locks are gone`);
  }

  async #nodeState(asked: number, about: number): Promise<string | undefined> {
    const nodes = await this.#client(asked).nodes();
    return nodes.find((node) => node.id === about)?.state;
  }

  #expect(happened: boolean, what: string): void {
    if (!happened) throw new SceneError(`this did not happen: ${what}`);
  }

  async #until(what: string, happened: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      if (await happened()) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    this.#expect(false, what);
  }
}

function elapsed(sinceMs: number): string {
  return `after ${((performance.now() - sinceMs) / 1000).toFixed(2)} s`;
}
