import type { ExecutionContext } from 'ava';

import { waitUntil } from './host/wait.js';
import { named, type SceneNode } from './reconcile/scene.js';
import { sceneTest, type SceneContext } from './scene-test.js';

/**
 * Faults that leave a machine running, each with fencing broken for a while: nothing hangs, what is
 * said is right, and the lock stays put until the machine that held it is proved dead.
 */
const test = sceneTest({}, (context) => context);

const RESOURCE = 'disk';
/** Well beyond corosync's token of 5 s: the others have given the node up. */
const AWAY_MS = 12_000;
/** How long a lock that must not move is watched for moving. */
const STAYS_PUT_MS = 8_000;
const NOTICED_MS_MAX = 90_000;
const GRANTED_MS_MAX = 180_000;

interface Fault {
  readonly title: string;
  /** Breaks something of the node, and returns when it can be talked to again. */
  readonly strike: (node: SceneNode) => Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    title: 'a machine is paused and goes on',
    async strike({ guest }) {
      await guest.pause();
      await pause(AWAY_MS);
      await guest.continue();
    },
  },
  {
    title: 'a machine is cut off and heals',
    async strike({ guest }) {
      await guest.cutClusterLink();
      await pause(AWAY_MS);
      await guest.healClusterLink();
    },
  },
  {
    // Its corosync is gone 2 s later: the others remove the node (kick_node_from_cluster).
    title: 'dlm_controld is killed',
    strike: async ({ guest }) => void await guest.exec('kill -9 $(pidof dlm_controld)'),
  },
  {
    title: 'corosync is killed',
    strike: async ({ guest }) => void await guest.exec('kill -9 $(pidof corosync)'),
  },
];

for (const [index, { title, strike }] of FAULTS.entries()) {
  test.serial(`${title}: nothing hangs, and its lock waits for its proved death`, async (t) => {
    t.timeout(900_000);
    const { scene, timeline } = t.context;
    const [victim, heir, third] = rotate(scene.nodes, index);
    await victim.take(RESOURCE, named('holder'));
    const waits = { resource: RESOURCE, owner: named('heir'), mode: 'EX', waitMs: null };
    await heir.postUnheard('acquire', waits);
    await heir.until('wait', async () => await heir.shown(RESOURCE) === 'waiting');
    for (const { guest } of [heir, third]) await guest.breakFencing();
    await strike(victim);
    timeline.mark(`${victim.guest.name}: ${title}`);
    await victim.until('say that something is wrong', async () => {
      return (await victim.status()).standing.kind !== 'ok';
    }, NOTICED_MS_MAX);
    timeline.mark(`${victim.guest.name}: ${JSON.stringify((await victim.status()).standing)}`);
    await staysPut(t, victim, heir);
    for (const { guest } of [heir, third]) await guest.repairFencing();
    timeline.mark('fencing works again');
    await waitUntil(() => victim.guest.pid === null,
      { what: `${victim.guest.name} to be fenced`, timeoutMs: GRANTED_MS_MAX });
    await heir.until('be granted', async () => await heir.shown(RESOURCE) === 'held', GRANTED_MS_MAX);
    for (const node of [heir, third]) {
      await node.until('see it recovered', async () => {
        return await node.stateOf(victim.guest.nodeId) === 'recovered';
      });
    }
    timeline.mark(`${victim.guest.name} is fenced, ${heir.guest.name} holds the lock`);
    t.is((await heir.release(RESOURCE, named('heir'))).status, 200);
    await comeBack(t, victim);
  });
}

/** The fault is there and no fencing: everybody answers, and nobody is granted anything of it. */
async function staysPut(
  t: ExecutionContext<SceneContext>, victim: SceneNode, heir: SceneNode,
): Promise<void> {
  const fresh = await victim.acquire('fresh', named('anybody'));
  t.not(fresh.status, 200, JSON.stringify(fresh.body));
  t.context.timeline.mark(`${victim.guest.name} refuses: ${JSON.stringify(fresh.body)}`);
  await seenDown(heir, victim);
  await pause(STAYS_PUT_MS);
  t.is(await heir.shown(RESOURCE), 'waiting');
  // A healed node is back among the others until its dlm_controld kills its corosync.
  t.not(await heir.stateOf(victim.guest.nodeId), 'recovered');
  await seenDown(heir, victim);
  t.not((await victim.status()).standing.kind, 'ok');
  for (const node of [heir, victim]) {
    const { verdict, sentences } = await node.explain(RESOURCE);
    t.context.timeline.mark(`${node.guest.name} explains (${verdict}): ${sentences.join(' ')}`);
    t.not(verdict, 'free');
    t.true(sentences.join(' ').includes(victim.guest.name));
  }
  t.context.timeline.mark('unfenced, the lock stays put');
}

async function seenDown(node: SceneNode, { guest }: SceneNode): Promise<void> {
  await node.until(`see ${guest.name} as node-down`, async () => {
    return await node.stateOf(guest.nodeId) === 'node-down';
  }, NOTICED_MS_MAX);
}

/** Its list is of another boot, which it says, and it holds nothing. */
async function comeBack(
  t: ExecutionContext<SceneContext>, node: SceneNode,
): Promise<void> {
  const { scene, timeline } = t.context;
  await node.guest.powerOn();
  await node.guest.booted();
  await node.forgetJournal();
  await scene.lab.rejoin(node.guest.nodeId);
  await scene.lab.quorate([1, 2, 3]);
  await scene.start([node]);
  t.regex(await node.saidOf(RESOURCE), /ended with a reboot of this node/);
  t.is(await node.shown(RESOURCE), undefined);
  t.deepEqual(await node.kernel(RESOURCE), []);
  timeline.mark(`${node.guest.name} is back and holds nothing`);
}

function rotate(
  nodes: readonly [SceneNode, SceneNode, SceneNode], by: number,
): [SceneNode, SceneNode, SceneNode] {
  const [a, b, c] = nodes;
  const orders: [SceneNode, SceneNode, SceneNode][] = [[a, b, c], [b, c, a], [c, a, b]];
  return orders[by % orders.length] ?? [a, b, c];
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
