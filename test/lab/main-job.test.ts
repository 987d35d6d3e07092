import { existsSync } from 'node:fs';

import test, { type ExecutionContext } from 'ava';

import { startLab, type Lab } from './cluster.js';
import { HoldfastNode, type CliResult } from './holdfast.js';
import { Timeline } from './timeline.js';

const RESOURCE = 'vm-disk-1';
/** How long a lock that must not move is watched for moving. */
const STAYS_PUT_MS = 4_000;
/** Shorter than corosync's token: nobody may notice. */
const HICCUP_MS = 1_000;
/** How long a guest is left alone before and after something in it is timed. */
const CALM_MS = 2_000;

test('the main job: held through a crash, known everywhere, passed on when its node dies', async (t) => {
  t.timeout(1_200_000);
  const timeline = new Timeline((line) => t.log(line));
  const lab = await startLab({ progress: (line) => timeline.mark(line) });
  const job = new MainJob(t, lab, timeline);
  const machines = lab.nodes.map((node) => node.pid);
  try {
    await job.startDaemons();
    await job.acquireAndRefuse();
    await job.crashHoldsAndAdopts();
    await job.releaseAndPassOn();
    await job.powerCut();
    await job.cleanStops();
    await job.corosyncDies();
  } catch (thrown) {
    for (const node of job.all) t.log(await node.log().catch(String));
    throw thrown;
  } finally {
    await lab.stop();
  }
  t.deepEqual(machines.filter((pid) => pid !== null && existsSync(`/proc/${pid}`)), []);
  t.false(existsSync(lab.folder));
});

class MainJob {
  readonly all: readonly HoldfastNode[];
  readonly #t: ExecutionContext;
  readonly #lab: Lab;
  readonly #timeline: Timeline;

  constructor(t: ExecutionContext, lab: Lab, timeline: Timeline) {
    this.#t = t;
    this.#lab = lab;
    this.#timeline = timeline;
    this.all = lab.nodes.map((guest) => new HoldfastNode(guest));
  }

  #node(index: number): HoldfastNode {
    const node = this.all[index - 1];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }

  async startDaemons(): Promise<void> {
    await this.#lab.startCluster();
    await this.#lab.deploy();
    await Promise.all(this.all.map((node) => node.start()));
    await Promise.all(this.all.map((node) => node.ready()));
    await Promise.all(this.all.map((node) => node.watch()));
    this.#timeline.mark('three daemons vouch for their locks');
    await this.#node(2).guest.pause();
    await pause(HICCUP_MS);
    await this.#node(2).guest.continue();
    await this.#node(3).guest.cutClusterLink();
    await pause(HICCUP_MS);
    await this.#node(3).guest.healClusterLink();
    for (const node of this.all) this.#t.is((await node.status()).standing.kind, 'ok');
    this.#timeline.mark('a pause of n2 and a cut of n3 for a second changed nothing');
  }

  /** n1 holds it; n2 is refused and told by whom, where and since when; n3 sees it. */
  async acquireAndRefuse(): Promise<void> {
    const [n1, n2, n3] = [this.#node(1), this.#node(2), this.#node(3)];
    this.#ok(await n1.cli(`acquire ${RESOURCE} --owner vm-alpha`));
    const [held] = await n1.locks();
    this.#t.is(held?.state, 'held');
    this.#timeline.mark(`n1 holds ${RESOURCE} for vm-alpha`);

    const refused = await n2.cli(`acquire ${RESOURCE} --owner vm-beta`);
    this.#t.is(refused.code, 1);
    const said = refused.stdout + refused.stderr;
    this.#t.regex(said, /vm-alpha/);
    this.#t.regex(said, /\bn1\b/);
    this.#t.true(said.includes(held?.since.slice(0, 19) ?? '?'), `since ${held?.since}: ${said}`);
    this.#timeline.mark(`n2 is refused: ${firstLine(said)}`);

    const listed = await n3.cli('--json locks');
    const { locks: seen } = JSON.parse(listed.stdout) as { locks: unknown[] };
    this.#t.like(seen[0], { resource: RESOURCE, state: 'held', node: { id: 1, name: 'n1' } });
    this.#timeline.mark('n3 sees it');
  }

  /** kill -9 of the daemon and its child: an orphan that holds; the next start adopts it. */
  async crashHoldsAndAdopts(): Promise<void> {
    const [n1, n2, n3] = [this.#node(1), this.#node(2), this.#node(3)];
    const before = (await n1.locks())[0];
    await n1.killAll();
    await n2.until('see that the daemon on n1 is down', async () => {
      return (await n2.stateOf(1)) === 'daemon-down';
    });
    this.#t.regex(await n1.kernelLocks(), new RegExp(RESOURCE));
    const refused = await n2.cli(`acquire ${RESOURCE} --owner vm-beta`);
    this.#t.is(refused.code, 1);
    this.#t.regex(refused.stdout + refused.stderr, /daemon on n1 is down, but its lock holds/);
    this.#timeline.mark(`n1's daemon and child are killed, n2 is still refused`);

    await n1.start();
    await n1.ready();
    await n1.watch();
    for (const node of [n1, n2, n3]) {
      await node.until('see the lock held on n1 again', async () => {
        const [lock] = await node.locks();
        return lock?.state === 'held' && lock.nodeState === 'synced' && lock.node.id === 1;
      });
      this.#t.deepEqual((await node.locks())[0]?.owner, before?.owner);
    }
    this.#timeline.mark('n1 has adopted it; all three see the same owner');
  }

  async releaseAndPassOn(): Promise<void> {
    this.#ok(await this.#node(1).cli(`release ${RESOURCE} --owner vm-alpha`));
    this.#ok(await this.#node(2).cli(`acquire ${RESOURCE} --owner vm-beta`));
    this.#timeline.mark('n1 has released it, n2 holds it');
  }

  /**
   * n3 waits, n2's power is cut. While fencing cannot be confirmed the node stays `node-down` and
   * the lock stays put; only when DLM has recovered it is `recovered` and n3 is granted.
   */
  async powerCut(): Promise<void> {
    const [n1, n3] = [this.#node(1), this.#node(3)];
    const command = `node /opt/holdfast/build/bundle/cli/main.js --json acquire ${RESOURCE} ` +
      '--owner vm-gamma --wait 300 > /var/tmp/waiter.json';
    await n3.guest.start('waiter', ['/bin/sh', '-c', command]);
    await n1.until('see n3 waiting', async () => {
      return (await n1.locks()).some((lock) => lock.node.id === 3 && lock.state === 'waiting');
    });
    this.#timeline.mark('n3 waits for it');
    for (const node of [n1, n3]) await node.guest.breakFencing();
    await this.#node(2).guest.powerOff();
    this.#timeline.mark('n2 has lost its power; fencing is broken for now');
    for (const node of [n1, n3]) {
      await node.until('see n2 node-down', async () => (await node.stateOf(2)) === 'node-down');
    }
    this.#timeline.mark('n1 and n3 see node-down');
    await pause(STAYS_PUT_MS);
    this.#t.is(await n1.stateOf(2), 'node-down');
    const still = (await n3.locks()).filter((lock) => lock.resource === RESOURCE);
    this.#t.deepEqual(still.map((lock) => [lock.node.id, lock.state]), [[2, 'held'], [3, 'waiting']]);
    this.#timeline.mark('unfenced, it is still node-down and its lock still holds');

    for (const node of [n1, n3]) await node.guest.repairFencing();
    await n3.until('be granted', async () => {
      return (await n3.guest.attempt('cat /var/tmp/waiter.json')).stdout.includes('"held"');
    });
    const granted = (await n3.guest.exec('cat /var/tmp/waiter.json')).stdout;
    this.#t.regex(granted, /granted \d+ ms after corosync reported n2 gone/);
    const note = /was granted \d+ ms after corosync reported n2 gone/.exec(granted)?.[0] ?? '';
    this.#timeline.mark(`n3 ${note}`);
    for (const node of [n1, n3]) {
      await node.until('see n2 recovered', async () => (await node.stateOf(2)) === 'recovered');
    }
    this.#timeline.mark('n1 and n3 see recovered');
  }

  /** A stop is refused while n3 holds a lock, leaves nothing behind, and keeps only when told. */
  async cleanStops(): Promise<void> {
    const [n1, n3] = [this.#node(1), this.#node(3)];
    const refused = await n3.cli('stop');
    this.#t.is(refused.code, 1);
    this.#t.regex(refused.stdout + refused.stderr, /vm-disk-1/);
    await n3.signal('TERM');
    this.#t.true(await n3.isRunning());
    this.#ok(await n3.cli(`release ${RESOURCE} --owner vm-gamma`));
    this.#ok(await n3.cli('stop'));
    await n1.until('see n3 left', async () => (await n1.stateOf(3)) === 'left');
    const left = await n3.guest.attempt('test -e /sys/kernel/dlm/holdfast');
    this.#t.not(left.code, 0, 'n3 has left the lockspace');
    this.#timeline.mark('n3 stopped cleanly: goodbye said, lockspace left, no orphan');

    await n3.start();
    await n3.ready();
    this.#ok(await n3.cli(`acquire ${RESOURCE} --owner vm-gamma`));
    this.#ok(await n3.cli('stop --keep-locks'));
    await n1.until('see the lock that n3 keeps', async () => {
      const lock = (await n1.locks()).find((one) => one.node.id === 3);
      return lock?.state === 'orphaned' && lock.nodeState === 'left';
    });
    this.#t.regex(await n3.kernelLocks(), new RegExp(RESOURCE));
    await n3.start();
    await n3.ready();
    const [adopted] = (await n3.locks()).filter((lock) => lock.node.id === 3);
    this.#t.like(adopted, { state: 'held', owner: { kind: 'named', name: 'vm-gamma' } });
    this.#ok(await n3.cli(`release ${RESOURCE} --owner vm-gamma`));
    this.#timeline.mark('told to keep it, n3 left an orphan and adopted it when it came back');
  }

  /** corosync on n1 is killed: n1 is isolated at once and touches nothing; the others fence it. */
  async corosyncDies(): Promise<void> {
    const [n1, n2, n3] = [this.#node(1), this.#node(2), this.#node(3)];
    await n2.guest.powerOn();
    await n2.guest.booted();
    await this.#lab.rejoin(2);
    await n2.start();
    await n2.ready();
    await Promise.all([n2.watch(), n3.watch()]);
    this.#ok(await n1.cli('acquire vm-disk-9 --owner vm-delta'));
    this.#timeline.mark('n2 is back; n1 holds vm-disk-9');

    const pid = (await n1.guest.exec('pidof corosync')).stdout.trim();
    // Nothing else may want the emulated processor while the daemon is timed.
    await pause(CALM_MS);
    const { stdout } = await n1.guest.exec(`date +%s%3N; kill -9 ${pid}`);
    const killedMs = Number(stdout.trim());
    await pause(CALM_MS);
    await n1.until('say that it is isolated', async () => {
      return (await n1.status()).standing.kind === 'isolated';
    }, 10_000);
    const locks = await n1.locks();
    this.#t.true(locks.some((lock) => lock.resource === 'vm-disk-9' && lock.state === 'held'));
    const isolated = (await n1.watched()).find(
      (event) => event.type === 'standing' && event.standing.kind === 'isolated' &&
        Date.parse(event.at) >= killedMs,
    );
    const afterMs = Date.parse(isolated?.at ?? '') - killedMs;
    this.#t.true(afterMs < 1_000, `isolated after ${afterMs} ms`);
    this.#timeline.mark(`n1 is isolated ${afterMs} ms after corosync's death, and still answers`);

    for (const node of [n2, n3]) {
      await node.until('see n1 gone', async () => {
        return ['node-down', 'recovered'].includes((await node.stateOf(1)) ?? '');
      });
    }
    for (const node of [n2, n3]) {
      await node.until('see n1 recovered', async () => (await node.stateOf(1)) === 'recovered');
    }
    for (const node of [n2, n3]) {
      const states = (await node.watched()).flatMap((event) => {
        return event.type === 'node' && event.node.id === 1 ? [event.node.state] : [];
      });
      this.#t.deepEqual(states.filter((state) => state !== 'daemon-down'), ['node-down', 'recovered']);
    }
    this.#timeline.mark('n2 and n3 saw node-down, and recovered after fencing');
    this.#ok(await n2.cli('acquire vm-disk-9 --owner vm-epsilon'));
    this.#timeline.mark('n2 holds vm-disk-9 now');
  }

  #ok(result: CliResult): void {
    this.#t.is(result.code, 0, `${result.stdout}${result.stderr}`);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
