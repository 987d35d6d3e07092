import { addCase, type PacemakerTest, type T } from './context.js';
import { Hammer } from './hammer.js';
import { LOCK, RESOURCE, VM, type PacemakerNode, type Shell } from './scene.js';

/** The node attribute that the coordinator's agent keeps. */
export const HEALTH = '#health-holdfast';

/** Some ten minutes, the boot among them. */
export function addShortCases(test: PacemakerTest): void {
  addCase(test, 'from cold everything starts in its order, by the samples as they are', coldStart);
  addCase(test, 'the daemon is killed: it adopts, and nobody touches the machine', killDaemon);
  addCase(test, 'the machine migrates with its lock, and a third never gets in', async (t) => {
    await migrations(t, 1);
  });
  addCase(test, 'a frozen node is fenced, then lock and machine run elsewhere', frozenNode);
}

async function coldStart(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  await scene.startPacemaker();
  timeline.mark('Pacemaker runs on three nodes');
  await scene.configureFencing();
  await startBySamples(t, 'crm');
}

/** dlm_controld, the coordinators, the lock and what it protects, by the samples of that shell. */
export async function startBySamples(t: T, shell: Shell): Promise<void> {
  const { scene, timeline } = t.context;
  const before = scene.recorder.lives.length;
  await scene.loadSamples(shell);
  timeline.mark(`the samples for ${shell} are loaded`);
  const home = await scene.untilVmRuns(() => true);
  timeline.mark(`${VM} runs on ${home.guest.name}`);
  await scene.settled();
  for (const id of ['dlm', 'holdfast']) {
    t.deepEqual(await scene.node(1).whereIs(id), ['n1', 'n2', 'n3'], id);
  }
  t.deepEqual(await scene.node(1).whereIs(LOCK), [home.guest.name]);
  t.is(scene.recorder.lives.length, before + 1, 'it was started once, and where its lock was');
  const starts = await startTimes(home, ['dlm', 'holdfast', LOCK, VM]);
  t.true(starts.every((seconds) => Number.isFinite(seconds)), JSON.stringify(starts));
  t.deepEqual(starts, [...starts].sort((one, other) => one - other), 'in the order of the samples');
  const synced = await scene.follow(home, 'holdfast nodes');
  t.is(synced.match(/\bsynced\b/g)?.length, 3, synced);
  await scene.until('the health of three nodes', async () =>
    (await attributesOf(home, HEALTH)).join() === 'green,green,green');
  t.regex(await scene.follow(home, 'crm_mon -1'), /Clone Set: locking-clone \[locking\]/);
  await holdsAlone(t, home);
}

/** Values of that node attribute, of all nodes that have it. `crm_mon` shows none with a `#`. */
export async function attributesOf(node: PacemakerNode, name: string): Promise<readonly string[]> {
  const { stdout } = await node.guest.attempt(`attrd_updater --query --all --name '${name}'`);
  return [...stdout.matchAll(/value="([^"]*)"/g)].map(([, value = '']) => value);
}

/** When each resource's last start on that node began, in seconds. */
async function startTimes(node: PacemakerNode, ids: readonly string[]): Promise<number[]> {
  const { stdout } = await node.guest.exec('cibadmin --query --scope status');
  return ids.map((id) => {
    const state = new RegExp(`<node_state [^>]*uname="${node.guest.name}"[^]*?</node_state>`);
    const op = new RegExp(`<lrm_rsc_op [^>]*operation_key="${id}_start_0"[^>]*>`);
    const found = op.exec(state.exec(stdout)?.[0] ?? '')?.[0] ?? '';
    return Number(/last-rc-change="(\d+)"/.exec(found)?.[1] ?? NaN);
  });
}

async function killDaemon(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const before = scene.recorder.latest(VM);
  const pid = await home.daemon();
  await home.guest.exec(`kill -9 ${pid}`);
  await home.until('vouch again', async () => {
    return await home.daemon() !== pid && (await home.status()).standing.kind === 'ok';
  }, 120_000, 1_000);
  timeline.mark('its successor vouches for its locks');
  await scene.settled();
  await holdsAlone(t, home);
  t.is(scene.recorder.latest(VM)?.id, before?.id, 'the same life of the machine');
  t.deepEqual(await failuresOf(home), [], 'Pacemaker has seen no failure');
}

/** The resources with a fail count, as Pacemaker shows them. */
async function failuresOf(node: PacemakerNode): Promise<readonly string[]> {
  const { stdout } = await node.guest.exec('crm_mon -1 --include=failcounts,failures');
  return stdout.split('\n').filter((line) => /fail-count|last-failure|Failed/.test(line));
}

/** Moves the machine there and back, so many times in all, while a third asks without end. */
export async function migrations(t: T, times: number): Promise<void> {
  const { scene, timeline } = t.context;
  for (let count = 1; count <= times; count += 1) {
    const home = await scene.vmHome();
    const [target, third] = scene.othersThan(home);
    if (target === undefined || third === undefined) throw new RangeError('three nodes, please');
    const before = await generationOn(home);
    const hammer = await Hammer.start(third, count);
    await moveVm(t, home, target);
    await scene.untilVmRuns((node) => node === target.guest.name, home);
    await scene.settled();
    await holdsAlone(t, target);
    const { asked, granted } = await hammer.stop();
    t.is(granted, 0, `the third was refused ${asked} times`);
    t.true(asked > 0);
    t.true((await generationOn(target)) > before, 'with a greater generation');
    t.regex(await actionsOf(target), /migrate_from/, 'it was a migration, no restart');
    await clearVm(t, home);
    await scene.settled();
    timeline.mark(`${count} of ${times}: ${home.guest.name} to ${target.guest.name}, ` +
      `${third.guest.name} refused ${asked} times`);
  }
}

export async function moveVm(t: T, asked: PacemakerNode, target: PacemakerNode): Promise<void> {
  await t.context.scene.follow(asked, `crm resource move ${VM} NODE`, { NODE: target.guest.name });
}

export async function clearVm(t: T, asked: PacemakerNode): Promise<void> {
  await t.context.scene.follow(asked, `crm resource clear ${VM}`);
}

/** The machine's last actions on a node, as Pacemaker has noted them. */
async function actionsOf(node: PacemakerNode): Promise<string> {
  const { stdout } = await node.guest.exec(
    `crm_resource --list-all-operations --resource ${VM} --node ${node.guest.name}`);
  return stdout;
}

async function frozenNode(t: T): Promise<void> {
  const { home, heir } = await losesItsNode(t, (lost) => lost.guest.pause());
  const { fencingHints } = await heir.status();
  t.true(fencingHints.some(({ node }) => node === home.guest.name), 'the alert was heard');
}

/** After that blow the machine's node is off, and lock and machine run elsewhere. */
export async function losesItsNode(
  t: T, strike: (home: PacemakerNode, asked: PacemakerNode) => Promise<void>,
): Promise<{ readonly home: PacemakerNode; readonly heir: PacemakerNode }> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const [asked] = scene.othersThan(home);
  if (asked === undefined) throw new RangeError('three nodes, please');
  await strike(home, asked);
  timeline.mark(`${home.guest.name} was struck`);
  const heir = await scene.untilVmRuns((node) => node !== home.guest.name, asked);
  timeline.mark(`${VM} runs on ${heir.guest.name}`);
  t.false(home.isOn, 'it was fenced before');
  await scene.settled(asked);
  await holdsAlone(t, heir);
  return { home, heir };
}

/** That node's daemon holds the lock alone, in EX, and shows it for the agent's owner. */
export async function holdsAlone(t: T, node: PacemakerNode): Promise<void> {
  const locks = (await node.locks()).filter(({ resource, state }) =>
    resource === RESOURCE && state !== 'waiting');
  t.is(locks.length, 1, JSON.stringify(locks));
  t.like(locks[0], {
    mode: 'EX', state: 'held', node: { name: node.guest.name },
    owner: { kind: 'named', name: `pacemaker:${LOCK}` },
  });
  t.is(locks[0]?.handover, undefined);
}

async function generationOn(node: PacemakerNode): Promise<number> {
  const id = node.guest.nodeId;
  const lock = (await node.locks()).find((one) => one.resource === RESOURCE && one.node.id === id);
  return lock?.generation ?? -1;
}
