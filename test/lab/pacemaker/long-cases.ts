import { DEPLOY_PATH } from '../deployment.js';
import { addCase, type PacemakerTest, type T } from './context.js';
import { MIGRATION_BROKEN_PATH } from './guest-files.js';
import { LOCK, RESOURCE, VM, type PacemakerNode } from './scene.js';
import { runOcfTester } from './ocf-tester.js';
import {
  attributesOf, clearVm, HEALTH, holdsAlone, losesItsNode, migrations, moveVm, startBySamples,
} from './short-cases.js';

/** How long a machine whose node could not be fenced must stay away from the others. */
const STAYS_AWAY_MS = 60_000;
const MIGRATIONS = 10;
const UNIT_TIMEOUT_MS = 240_000;
const SAMPLES = '/usr/share/doc/holdfast/samples/pacemaker';
const PROBE = `${DEPLOY_PATH}/build/test/lab/dlm-probe.js`;
/** As Pacemaker does it, in the time that it gives it. */
const MONITOR = 'timeout 20 env OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=holdfast ' +
  '/usr/lib/ocf/resource.d/holdfast/coordinator monitor 2>&1';
/** Of the coordinators alone: what is before them in their group stays. */
const TARGET_ROLE = 'crm_resource --resource holdfast --meta';
/** Keeps locks over a restart of the daemon; before any table of the file. */
const KEEP = 'sed -i \'s/^#on_stop = .*/on_stop = "keep"/\' /etc/holdfast/holdfast.toml';

/** What is tried before a release, after the short cases and in their cluster. */
export function addLongCases(test: PacemakerTest): void {
  addCase(test, 'from cold again, by the samples for pcs', coldStartByPcs);
  addCase(test, `the machine migrates ${MIGRATIONS} times, and a third never gets in`, async (t) => {
    await migrations(t, MIGRATIONS);
  });
  addCase(test, 'a migration that fails at its source ends with one owner', async (t) => {
    await failedMigration(t, 'source');
  });
  addCase(test, 'a migration that fails at its target ends with one owner', async (t) => {
    await failedMigration(t, 'target');
  });
  addCase(test, 'the target of a migration dies in the middle: one owner', targetDies);
  addCase(test, 'an operator fences a node: lock and machine run elsewhere', fencedByHand);
  addCase(test, 'a cut off node is fenced, lock and machine run elsewhere, and it heals', partition);
  addCase(test, 'without dlm_controld a node is isolated, says so, grants nothing, is fenced', isolation);
  addCase(test, 'with a broken fence device everything waits, until a person has looked', brokenFence);
  addCase(test, 'standby: what is held moves, the daemon leaves, nobody is fenced', standby);
  addCase(test, 'standby with somebody else\'s lock: the stop waits for its owner', standbyRefused);
  addCase(test, 'rolling restart of all daemons in maintenance: nobody notices', rollingRestart);
  addCase(test, 'a lock that the kernel has lost fails its resource at once', lostLock);
  addCase(test, 'what else the manual says can be done', restOfManual);
  addCase(test, 'ocf-tester has nothing against the agents but its old DTD', ocfTester);
  addCase(test, 'the whole cluster is shut down, and nobody is fenced', shutdown);
}

async function coldStartByPcs(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const { guest } = scene.node(1);
  for (const id of [VM, LOCK, 'holdfast', 'dlm']) {
    await guest.exec(`pcs resource delete ${id}`, { timeoutMs: UNIT_TIMEOUT_MS });
  }
  await guest.exec('pcs alert remove holdfast-fencing', { timeoutMs: UNIT_TIMEOUT_MS });
  t.deepEqual(await scene.node(1).whereIs('dlm'), []);
  timeline.mark('everything was stopped and removed');
  await startBySamples(t, 'pcs');
}

/** The lock beside the one that Pacemaker runs, the coordinator where Pacemaker's is stopped. */
async function ocfTester(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const node = scene.node(1);
  await runOcfTester(t, node, 'lock', ['-o', 'resource=ocf-tester']);
  timeline.mark('the lock passed');
  await node.guest.exec(`${TARGET_ROLE} --set-parameter target-role --parameter-value Stopped`);
  // Not `crm_resource --wait`: it would wait for the monitor of the machine, which cannot start.
  await scene.until('the coordinators to have stopped', async () => {
    const units = await Promise.all(scene.nodes.map(({ guest }) =>
      guest.attempt('systemctl is-active holdfastd')));
    return units.every(({ stdout }) => stdout.trim() === 'inactive');
  });
  await runOcfTester(t, node, 'coordinator', []);
  timeline.mark('the coordinator passed');
  await node.guest.exec(`${TARGET_ROLE} --delete-parameter target-role`);
  await holdsAlone(t, await scene.untilVmRuns(() => true));
  await scene.settled();
}

/** Pacemaker restarts the machine at the target: stopped everywhere first, then the lock moves. */
async function failedMigration(t: T, where: 'source' | 'target'): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const [target] = scene.othersThan(home);
  if (target === undefined) throw new RangeError('no target');
  const broken = where === 'source' ? home : target;
  const before = scene.recorder.latest(VM);
  await broken.guest.exec(`touch ${MIGRATION_BROKEN_PATH}`);
  await moveVm(t, home, target);
  await scene.until('another life of the machine', () =>
    Promise.resolve(scene.recorder.latest(VM)?.id !== before?.id));
  await scene.settled();
  await broken.guest.exec(`rm -f ${MIGRATION_BROKEN_PATH}`);
  const heir = await scene.untilVmRuns(() => true);
  timeline.mark(`after the failure ${VM} runs on ${heir.guest.name}`);
  await holdsAlone(t, heir);
  await clearVm(t, home);
  await home.guest.exec('crm_resource --cleanup');
  await scene.settled();
  await holdsAlone(t, await scene.vmHome());
}

/** Power is cut as soon as both nodes have the lock. */
async function targetDies(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const [target] = scene.othersThan(home);
  if (target === undefined) throw new RangeError('no target');
  await moveVm(t, home, target);
  await home.until('see both with the lock', async () => {
    const holders = (await home.locks()).filter(({ resource, mode }) =>
      resource === RESOURCE && mode === 'CW');
    return holders.length === 2;
  }, 120_000);
  await target.guest.powerOff();
  timeline.mark(`${target.guest.name} has lost its power in the middle`);
  await clearVm(t, home);
  const heir = await scene.untilVmRuns((node) => node !== target.guest.name, home);
  await scene.settled(home);
  await holdsAlone(t, heir);
  timeline.mark(`${VM} runs on ${heir.guest.name}`);
}

async function fencedByHand(t: T): Promise<void> {
  const { scene } = t.context;
  await losesItsNode(t, async (lost, asked) => {
    await scene.follow(asked, 'stonith_admin --reboot NODE', { NODE: lost.guest.name });
  });
}

async function partition(t: T): Promise<void> {
  await losesItsNode(t, (lost) => lost.guest.cutClusterLink());
}

/** The fence devices are broken meanwhile, so that there is time to look at it. */
async function isolation(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  for (const { guest } of scene.nodes) await guest.breakFencing();
  await losesItsNode(t, async (lost) => {
    await lost.guest.exec('kill -9 $(pidof dlm_controld)');
    await lost.until('be isolated', async () => {
      return (await lost.status()).standing.kind === 'isolated';
    }, 120_000);
    const owner = { kind: 'named', name: 'latecomer' };
    const { status, body } =
      await lost.post('acquire', { resource: 'late', owner, mode: 'PR', waitMs: 0 });
    t.not(status, 200, JSON.stringify(body));
    // The others have corosync killed there at once, and Pacemaker with it: nobody else monitors.
    const { code, stdout } = await lost.guest.attempt(MONITOR);
    timeline.mark(stdout.trim());
    t.is(code, 1, stdout);
    t.regex(stdout, /this node is isolated/);
    for (const { guest } of scene.nodes) await guest.repairFencing();
  });
}

async function brokenFence(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const [asked, other] = scene.othersThan(home);
  if (asked === undefined || other === undefined) throw new RangeError('three nodes, please');
  for (const { guest } of [asked, other]) await guest.breakFencing();
  await home.guest.pause();
  await asked.until('see it down', async () => {
    return await asked.stateOf(home.guest.nodeId) === 'node-down';
  }, 120_000);
  await new Promise((resolve) => setTimeout(resolve, STAYS_AWAY_MS));
  t.is(scene.recorder.latest(VM)?.node, home.guest.name, 'nowhere else');
  const { verdict, sentences } = await asked.explain(RESOURCE);
  timeline.mark(`${asked.guest.name} explains (${verdict}): ${sentences.join(' ')}`);
  t.regex(sentences.join(' '), new RegExp(`${home.guest.name}.*fenc`));
  t.not(verdict, 'free');
  const told = await scene.follow(asked, 'holdfast explain RESOURCE', { RESOURCE });
  t.regex(told, /fenc/, told);
  t.regex(await scene.follow(asked, 'dlm_tool ls'), /^name +holdfast$/m);

  await home.guest.powerOff();
  await scene.follow(asked, 'stonith_admin --confirm NODE', { NODE: home.guest.name });
  timeline.mark('a person has seen that it is off, and says so');
  const heir = await scene.untilVmRuns((node) => node !== home.guest.name, asked);
  timeline.mark(`${VM} runs on ${heir.guest.name}`);
  for (const { guest } of [asked, other]) await guest.repairFencing();
  await scene.settled(asked);
  await holdsAlone(t, heir);
}

async function standby(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const { pid } = home.guest;
  await home.guest.exec(`crm_standby --node ${home.guest.name} --update on`);
  const heir = await scene.untilVmRuns((node) => node !== home.guest.name);
  await scene.settled();
  await holdsAlone(t, heir);
  t.false((await heir.whereIs('dlm')).includes(home.guest.name));
  const left = await home.guest.attempt('ls /sys/kernel/dlm; systemctl is-active holdfastd');
  t.notRegex(left.stdout, /^(holdfast|active)$/m, 'the daemon has left, and its lockspace');
  t.is(home.guest.pid, pid, 'nobody was fenced');
  timeline.mark(`${home.guest.name} is in standby`);
  await endStandby(t, home);
}

async function endStandby(t: T, node: PacemakerNode): Promise<void> {
  const { scene } = t.context;
  await node.guest.exec(`crm_standby --node ${node.guest.name} --delete`);
  await scene.settled();
  t.true((await node.whereIs('holdfast')).includes(node.guest.name));
}

/** `on-fail=block` of the sample: the operator releases it and cleans up. */
async function standbyRefused(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const [node] = scene.othersThan(home);
  if (node === undefined) throw new RangeError('no other node');
  const { pid } = node.guest;
  const owner = { kind: 'named', name: 'somebody' };
  const wish = { resource: 'script', owner, mode: 'EX', waitMs: 0 };
  t.is((await node.post('acquire', wish)).status, 200);
  await node.guest.exec(`crm_standby --node ${node.guest.name} --update on`);
  await scene.settled(home);
  const shown = (await home.guest.exec('crm_mon -1r')).stdout;
  t.regex(shown, /holdfast_stop_0 on n\d.*script.*somebody|holdfast[^\n]*blocked/s, shown);
  timeline.mark('the stop is refused, and the resource blocked');
  t.is((await node.post('release', { resource: 'script', owner })).status, 200);
  await scene.follow(home, 'crm resource cleanup holdfast');
  await scene.until('the daemon to leave', async () => {
    return !(await home.whereIs('holdfast')).includes(node.guest.name);
  });
  await scene.settled(home);
  t.is(node.guest.pid, pid, 'nobody was fenced');
  await endStandby(t, node);
}

async function rollingRestart(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const before = scene.recorder.latest(VM);
  await scene.follow(home, 'crm configure property maintenance-mode=true');
  for (const node of scene.nodes) {
    const pid = await node.daemon();
    // The first restart reads it; the daemon that it ends still refuses, and is killed after that.
    await node.guest.exec(KEEP);
    await scene.follow(node, 'systemctl restart holdfastd');
    t.not(await node.daemon(), pid);
    await node.until('vouch again', async () => {
      return (await node.status()).standing.kind === 'ok';
    }, UNIT_TIMEOUT_MS, 1_000);
    timeline.mark(`${node.guest.name} runs a new daemon`);
  }
  await scene.follow(home, 'crm configure property maintenance-mode=false');
  await scene.settled();
  await holdsAlone(t, home);
  t.is(scene.recorder.latest(VM)?.id, before?.id, 'the same life of the machine');
  t.deepEqual(await home.whereIs(VM), [home.guest.name]);
}

/** While its daemon is away another program takes it from the kernel; the list still names it. */
async function lostLock(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const home = await scene.vmHome();
  const before = scene.recorder.latest(VM);
  await home.guest.exec(`${KEEP}; cat ${SAMPLES}/reaction.toml >>/etc/holdfast/holdfast.toml`);
  await home.guest.exec('crm_attribute --name maintenance-mode --update true');
  for (const command of ['restart', 'stop']) {
    await home.guest.exec(`systemctl ${command} holdfastd`, { timeoutMs: UNIT_TIMEOUT_MS });
  }
  await home.guest.exec(`node ${PROBE} holdfast open 'adopt|${RESOURCE}|EX' 'unlock|${RESOURCE}'`,
    { timeoutMs: UNIT_TIMEOUT_MS });
  await home.guest.exec('systemctl start holdfastd', { timeoutMs: UNIT_TIMEOUT_MS });
  await home.until('have its reaction run', async () => {
    const said = (await home.guest.exec('journalctl --no-pager -o cat -u holdfastd')).stdout;
    return said.includes(`told Pacemaker that ${LOCK} has failed on ${home.guest.name}`);
  }, UNIT_TIMEOUT_MS, 1_000);
  timeline.mark('the loss was told to Pacemaker');
  // In maintenance nobody monitors.
  await home.guest.exec('crm_resource --force-check --resource holdfast');
  await scene.until('the loss among the attributes', async () => {
    return (await attributesOf(home, HEALTH)).includes('red')
      && (await attributesOf(home, 'holdfast-lost')).includes('1');
  });
  await home.guest.exec('crm_attribute --name maintenance-mode --delete');
  await scene.until('another life of the machine', () =>
    Promise.resolve(scene.recorder.latest(VM)?.id !== before?.id));
  await scene.settled();
  await holdsAlone(t, await scene.vmHome());
  await home.guest.exec('crm_resource --cleanup');
  await scene.settled();
}

async function restOfManual(t: T): Promise<void> {
  const { scene } = t.context;
  const home = await scene.vmHome();
  t.regex(await scene.follow(home, 'holdfast status'), /ok/);
  t.regex(await scene.follow(home, 'journalctl -u holdfastd'), /holdfast/);
  t.deepEqual(scene.manual.unfollowed, [], 'nobody has tried these commands of the manual');
}

async function shutdown(t: T): Promise<void> {
  const { scene, timeline } = t.context;
  const pids = scene.nodes.map(({ guest }) => guest.pid);
  await Promise.all(scene.nodes.map(({ guest }) =>
    guest.exec('systemctl stop pacemaker', { timeoutMs: UNIT_TIMEOUT_MS })));
  timeline.mark('Pacemaker has stopped everywhere');
  for (const { guest } of scene.nodes) {
    const { stdout } = await guest.attempt(
      'ls /sys/kernel/dlm; systemctl is-active holdfastd; pidof dlm_controld');
    t.notRegex(stdout, /^(holdfast|active|\d+)$/m, `${guest.name} has left everything: ${stdout}`);
  }
  t.deepEqual(scene.nodes.map(({ guest }) => guest.pid), pids, 'nobody was fenced');
}
