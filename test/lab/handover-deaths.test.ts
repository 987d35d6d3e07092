import type { ExecutionContext } from 'ava';

import type { LockView } from '../../src/control/schema.js';
import { KERNEL_MODE } from './kernel-table.js';
import { named, type SceneNode } from './reconcile/scene.js';
import { sceneTest, type SceneContext } from './scene-test.js';

/**
 * Handovers that a machine's death interrupts, on the real kernel: a third node that asks for the
 * lock in every mode all the time, and waits for it too, gets it only when nobody has it.
 */
const test = sceneTest({}, (context) => context);

const RESOURCE = 'disk';
const GUEST = named('guest');
const PATIENT = named('patient');
const STEP_MS = 30_000;
/** Detection, fencing and recovery in emulated machines. */
const DECIDED_MS_MAX = 240_000;

interface Roles {
  readonly source: SceneNode;
  readonly destination: SceneNode;
  readonly third: SceneNode;
}

interface Death {
  readonly title: string;
  /** Whether the destination has joined before. */
  readonly joined: boolean;
  readonly strike: (roles: Roles) => Promise<unknown>;
  readonly victim: 'source' | 'destination';
  /** Who has it alone in the end: the third only when nobody else may. */
  readonly heir: keyof Roles;
}

const DEATHS: readonly Death[] = [
  {
    title: 'the source loses its power when both have it: the destination has it alone',
    joined: true, victim: 'source', heir: 'destination',
    strike: ({ source }) => source.guest.powerOff(),
  },
  {
    title: 'the destination loses its power when both have it: the source has it back',
    joined: true, victim: 'destination', heir: 'source',
    strike: ({ destination }) => destination.guest.powerOff(),
  },
  {
    title: 'the source loses its power before anybody joined: it is free',
    joined: false, victim: 'source', heir: 'third',
    strike: ({ source }) => source.guest.powerOff(),
  },
  {
    title: 'the destination is cut off when both have it: it is fenced, the source has it back',
    joined: true, victim: 'destination', heir: 'source',
    strike: ({ destination }) => destination.guest.cutClusterLink(),
  },
];

for (const [index, death] of DEATHS.entries()) {
  test.serial(death.title, async (t) => {
    t.timeout(900_000);
    const { timeline } = t.context;
    const roles = rolesOf(t.context.scene.nodes, index);
    const { source, destination, third } = roles;
    await source.take(RESOURCE, GUEST);
    const before = await lockOf(source);
    await third.postUnheard('acquire',
      { resource: RESOURCE, owner: PATIENT, mode: 'EX', waitMs: null });
    await third.until('wait', async () => await third.shown(RESOURCE) === 'waiting');
    await step(t, source, 'open', { to: destination.guest.name });
    if (death.joined) await step(t, destination, 'join', { waitMs: STEP_MS });
    await hammer(t, third);
    await death.strike(roles);
    const [victim, heir] = [roles[death.victim], roles[death.heir]];
    timeline.mark(`${victim.guest.name} is struck`);
    await decided(t, { victim, heir, third });
    const after = await lockOf(heir);
    timeline.mark(`${heir.guest.name} has it alone: ${after?.mode} ${after?.generation}`);
    const [was, is] = [before?.generation ?? -1, after?.generation ?? -1];
    if (heir === source) t.is(is, was, 'nobody else was given a number, so it keeps its own');
    else t.true(is > was, `${is} after ${was}`);
    t.is(victim.guest.pid, null, 'the victim is proved dead by being off');
    if (heir !== third) await passOn(t, heir, third);
    t.is((await third.release(RESOURCE, PATIENT)).status, 200);
    await comeBack(t, victim);
  });
}

/** The third asks without end; until the victim is off and recovered from it is refused. */
async function decided(
  t: ExecutionContext<SceneContext>,
  { victim, heir, third }: { victim: SceneNode; heir: SceneNode; third: SceneNode },
): Promise<void> {
  const endMs = performance.now() + DECIDED_MS_MAX;
  while (performance.now() < endMs) {
    if (heir !== third) await hammer(t, third);
    const lock = await lockOf(heir);
    if (lock?.mode === 'EX' && lock.state === 'held' && lock.handover === undefined) return;
    if (victim.guest.pid !== null && heir === third) t.not(lock?.state, 'held');
  }
  t.fail(`${heir.guest.name} does not get it alone:\n${await heir.log()}`);
}

/** A third asks for it in each mode that owners may have, and the kernel grants it nothing. */
async function hammer(t: ExecutionContext<SceneContext>, third: SceneNode): Promise<void> {
  for (const mode of ['EX', 'PW', 'PR']) {
    const { status, body } = await third.acquire(RESOURCE, named(`intruder-${mode}`), mode);
    t.not(status, 200, `${mode}: ${JSON.stringify(body)}`);
  }
  const granted = (await third.kernel(RESOURCE))
    .filter((entry) => entry.granted > KERNEL_MODE.NL);
  t.deepEqual(granted, [], 'the kernel of the third has nothing of it');
}

/** The heir lets go, and who waited all the time is next. */
async function passOn(
  t: ExecutionContext<SceneContext>, heir: SceneNode, third: SceneNode,
): Promise<void> {
  t.is((await heir.release(RESOURCE, GUEST)).status, 200);
  await third.until('be granted what it waited for', async () => {
    return await third.shown(RESOURCE) === 'held';
  });
}

async function step(
  t: ExecutionContext<SceneContext>, node: SceneNode, action: string, rest: object,
): Promise<void> {
  const body = { resource: RESOURCE, owner: GUEST, ...rest };
  const answer = await node.post(`handover/${action}`, body);
  t.is(answer.status, 200, `${action} on ${node.guest.name}: ${JSON.stringify(answer.body)}`);
  t.context.timeline.mark(`${action} on ${node.guest.name}`);
}

async function lockOf(node: SceneNode): Promise<LockView | undefined> {
  const id = node.guest.nodeId;
  return (await node.locks()).find((lock) => lock.resource === RESOURCE && lock.node.id === id);
}

async function comeBack(t: ExecutionContext<SceneContext>, node: SceneNode): Promise<void> {
  const { scene, timeline } = t.context;
  if (node.guest.pid === null) await node.guest.powerOn();
  await node.guest.booted();
  await node.guest.healClusterLink();
  await scene.lab.rejoin(node.guest.nodeId);
  await scene.lab.quorate([1, 2, 3]);
  await scene.start([node]);
  t.is(await node.shown(RESOURCE), undefined, 'a new boot holds nothing');
  timeline.mark(`${node.guest.name} is back`);
}

function rolesOf(nodes: readonly [SceneNode, SceneNode, SceneNode], by: number): Roles {
  const [a, b, c] = nodes;
  const orders: readonly Roles[] = [
    { source: a, destination: b, third: c }, { source: b, destination: c, third: a },
    { source: c, destination: a, third: b },
  ];
  return orders[by % orders.length] ?? { source: a, destination: b, third: c };
}
