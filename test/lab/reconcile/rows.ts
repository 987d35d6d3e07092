import type { TestFn } from 'ava';

import { waitUntil } from '../host/wait.js';
import { KERNEL_MODE, parseKernelTable } from '../kernel-table.js';
import type { LabContext } from '../lab-context.js';
import { named, type ProcessOwner, type SceneNode } from './scene.js';

const FOR_EVER = { waitMs: null };
const OTHER_BOOT = '00000000-1111-2222-3333-444444444444';
const SETTLED_MS = 30_000;

/**
 * Each row of what a start makes of the list and the kernel's orphans, on the real kernel. What a
 * row needs is made by real means: a process frozen at the right moment and killed, or another
 * program in the lockspace. All nodes are killed and started once; then each row is looked at.
 */
export function addReconcileRows(test: TestFn<LabContext>): void {
  const owners = new Map<string, ProcessOwner>();

  test.serial('rows: the states are made, found as they should be, and all nodes start', async (t) => {
    t.timeout(420_000);
    const { scene, timeline } = t.context;
    const [n1, n2, n3] = scene.nodes;
    await Promise.all([holdAndWait(n1, n2), leaveBehindOwners(n2, owners)]);
    await Promise.all([freezeDaemon(n1, n2), freezeChild(n3)]);
    timeline.mark('n1 and n3 were killed at their moments');
    t.is(await n1.listedState('granted-unseen'), 'intent');
    t.is(await n1.listedState('unlocked-unseen'), 'releasing');
    t.is(await n1.listedState('never-granted'), 'intent');
    t.deepEqual((await n1.kernel('never-granted')).map(({ granted }) => granted), [KERNEL_MODE.NL]);
    t.is(await n3.listedState('not-asked'), 'intent');
    t.deepEqual(await n3.kernel('not-asked'), []);
    t.is(await n3.listedState('not-unlocked'), 'releasing');
    t.is((await n3.kernel('not-unlocked'))[0]?.granted, KERNEL_MODE.EX);
    await meddle(n2, owners);
    timeline.mark('n2 was killed, its list and its orphans were changed');
    await Promise.all(scene.nodes.map((node) => node.recordEvents()));
    await scene.start();
    timeline.mark('three daemons vouch for their locks again');
  });

  test.serial('row: held + orphan of the same mode: adopted, and still held for its owner', async (t) => {
    const [n1, , n3] = t.context.scene.nodes;
    t.is(await n1.shown('held'), 'held');
    t.regex(await n1.saidOf('held'), /was adopted/);
    const [lock] = await n1.kernel('held');
    t.is(lock?.granted, KERNEL_MODE.EX);
    t.is(lock?.pid, await n1.childPid(), 'the kernel has it for the new child');
    t.is((await n3.acquire('held', named('vm-9'))).status, 409);
    t.like((await n1.acquire('held', named('vm-1'))).body, { acquired: false });
  });

  test.serial('row: held + orphans of one shared resource: each owner has its own again', async (t) => {
    const [n1, , n3] = t.context.scene.nodes;
    const modes = (await n1.kernel('shared')).map(({ granted }) => granted);
    t.deepEqual(modes, [KERNEL_MODE.PR, KERNEL_MODE.PR]);
    const owners = (await n1.locks()).filter(({ resource }) => resource === 'shared')
      .map(({ owner, state }) => [owner, state]);
    t.deepEqual(owners, [[named('vm-1'), 'held'], [named('vm-2'), 'held']]);
    await n3.take('shared', named('vm-9'), 'PR');
    t.is((await n3.release('shared', named('vm-9'))).status, 200);
  });

  test.serial('row: held + nothing in the kernel: lost, told loudly, not taken again', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    t.regex(await n2.saidOf('lost'), /is LOST: the kernel no longer has it/);
    t.deepEqual(await n2.publishedLost(), ['lost']);
    t.is(await n2.shown('lost'), undefined);
    t.deepEqual(await n2.kernel('lost'), []);
    t.is(await n2.listedState('lost'), undefined);
    await n3.take('lost', named('vm-9'));
    t.is((await n3.release('lost', named('vm-9'))).status, 200);
  });

  test.serial('row: intent + orphan of the mode: it was granted, so its owner has it', async (t) => {
    const [n1, n2] = t.context.scene.nodes;
    t.is(await n1.shown('granted-unseen'), 'held');
    t.is(await n1.listedState('granted-unseen'), 'held');
    t.is((await n1.kernel('granted-unseen'))[0]?.granted, KERNEL_MODE.EX);
    t.is((await n2.acquire('granted-unseen', named('n2'))).status, 409);
    t.like((await n1.release('granted-unseen', named('vm-1'))).body, { released: true });
  });

  test.serial('row: intent + an orphan that holds nothing: it was not granted, and nothing stays', async (t) => {
    const [n1, n2] = t.context.scene.nodes;
    await n1.until('be rid of the request', async () => {
      return (await n1.kernel('never-granted')).length === 0;
    }, SETTLED_MS);
    t.is(await n1.shown('never-granted'), undefined);
    t.is(await n1.listedState('never-granted'), undefined);
    t.deepEqual(await n1.publishedLost(), []);
    t.is(await n2.shown('never-granted'), 'held', 'n2 holds it through all of this');
  });

  test.serial('row: intent + nothing in the kernel: dropped, and nobody is told of a loss', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    t.is(await n3.shown('not-asked'), undefined);
    t.is(await n3.listedState('not-asked'), undefined);
    t.deepEqual(await n3.kernel('not-asked'), []);
    t.deepEqual(await n3.publishedLost(), []);
    await n2.take('not-asked', named('n2'));
  });

  test.serial('row: releasing + orphan: adopted only to finish the release', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    await n3.until('have finished the release', async () => {
      return (await n3.kernel('not-unlocked')).length === 0;
    }, SETTLED_MS);
    t.is(await n3.shown('not-unlocked'), undefined);
    t.is(await n3.listedState('not-unlocked'), undefined);
    await n2.take('not-unlocked', named('n2'));
  });

  test.serial('row: releasing + nothing in the kernel: the release was done', async (t) => {
    const [n1, n2] = t.context.scene.nodes;
    t.is(await n1.shown('unlocked-unseen'), undefined);
    t.is(await n1.listedState('unlocked-unseen'), undefined);
    t.notRegex(await n1.saidOf('unlocked-unseen'), /LOST/);
    await n2.take('unlocked-unseen', named('n2'));
  });

  test.serial('row: of another boot: reported as ended by the reboot, and not adopted', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    t.regex(await n2.saidOf('rebooted'), /ended with a reboot of this node/);
    t.notRegex(await n2.saidOf('rebooted'), /LOST|adopted/);
    t.is(await n2.shown('rebooted'), undefined);
    t.is(await n2.listedState('rebooted'), undefined);
    await n3.take('rebooted', named('vm-9'));
  });

  test.serial('row: of another boot + orphan: that orphan is not the one that the list means', async (t) => {
    const [, n2] = t.context.scene.nodes;
    t.regex(await n2.saidOf('rebooted-orphan'), /ended with a reboot of this node/);
    t.is(await n2.shown('rebooted-orphan'), 'quarantined');
  });

  test.serial('row: not listed + orphan: in quarantine, shown, and given to nobody', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    t.regex(await n2.saidOf('stranger'), /an orphan that no list explains/);
    for (const [resource, mode] of [['stranger', 'EX'], ['stranger-shared', 'PR']] as const) {
      t.is(await n2.shown(resource), 'quarantined');
      t.is(await n2.listedState(resource), 'quarantined');
      const [lock] = await n2.kernel(resource);
      t.is(lock?.granted, KERNEL_MODE[mode]);
      t.is(lock?.pid, await n2.childPid(), 'adopted, so that nobody loses it');
      t.is((await n3.acquire(resource, named('vm-9'))).status, 409);
      const seen = (await n3.locks()).find((one) => one.resource === resource);
      t.like(seen, { state: 'quarantined', owner: null, node: { id: 2, name: 'n2' } });
      t.not((await n2.release(resource, named('vm-9'))).status, 500);
      t.is((await n2.kernel(resource)).length, 1, 'no ordinary release lets go of it');
    }
  });

  test.serial('row: owner ended while the daemon was away + orphan: adopted, then released', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    await n2.until('have released it', async () => {
      return (await n2.kernel('owner-gone')).length === 0;
    }, SETTLED_MS);
    t.regex(await n2.saidOf('owner-gone'), /is released: its owner has ended/);
    t.is(await n2.listedState('owner-gone'), undefined);
    await n3.take('owner-gone', named('vm-9'));
  });

  test.serial('row: owner ended and its pid was given away: the newcomer owns nothing', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    const before = owners.get('owner-replaced');
    const now = await n2.ownerOf(before?.pid ?? 0);
    t.not(now.startTime, before?.startTime, 'another process has the pid now');
    await n2.until('have released it', async () => {
      return (await n2.kernel('owner-replaced')).length === 0;
    }, SETTLED_MS);
    await n3.take('owner-replaced', named('vm-9'));
  });

  test.serial('row: owner lives + orphan: adopted, and released when that process ends', async (t) => {
    const [, n2] = t.context.scene.nodes;
    t.is(await n2.shown('owner-lives'), 'held');
    await n2.guest.killProcess(owners.get('owner-lives')?.pid ?? 0);
    await n2.until('have released it', async () => {
      return (await n2.kernel('owner-lives')).length === 0;
    }, SETTLED_MS);
    t.is(await n2.listedState('owner-lives'), undefined);
  });

  test.serial('row: the child alone dies and a lock with it: the same daemon says that it is lost', async (t) => {
    t.timeout(180_000);
    const [n1] = t.context.scene.nodes;
    const before = await n1.kernel('held');
    await n1.signal('STOP');
    await n1.guest.killProcess(await n1.childPid());
    await n1.probe('adopt:shared:PR', 'unlock:shared');
    await n1.signal('CONT');
    await n1.until('say that it is lost', async () => {
      return (await n1.publishedLost()).includes('shared');
    }, 60_000);
    await n1.ready();
    t.deepEqual(await n1.publishedLost(), ['shared']);
    const [held] = await n1.kernel('held');
    t.is(held?.granted, KERNEL_MODE.EX);
    t.not(held?.pid, before[0]?.pid);
    t.is(await n1.shown('held'), 'held');
    t.deepEqual((await n1.kernel('shared')).map(({ granted }) => granted), [KERNEL_MODE.PR]);
  });

  test.serial('row: without debugfs: works from the list, and says what it cannot see', async (t) => {
    t.timeout(300_000);
    const [n1, , n3] = t.context.scene.nodes;
    await n3.take('listed', named('vm-5'));
    await n3.take('taken-away', named('vm-5'));
    await n3.killAll();
    await n3.probe('adopt:taken-away:EX', 'unlock:taken-away', 'take:unseen:EX', 'kill-child');
    await n3.guest.exec('umount /sys/kernel/debug');
    await t.context.scene.start([n3]);
    t.is(await n3.shown('listed'), 'held');
    t.is((await n1.acquire('listed', named('vm-9'))).status, 409);
    t.regex(await n3.saidOf('taken-away'), /is LOST/);
    t.deepEqual(await n3.publishedLost(), ['taken-away']);
    t.is(await n3.shown('unseen'), undefined);
    const { warnings } = await n3.status();
    t.true(warnings.some((text) => /lock tables cannot be read.*stay unseen/.test(text)),
      warnings.join('\n'));
    t.is((await n1.acquire('unseen', named('vm-9'))).status, 409, 'it excludes all the same');

    await n3.guest.exec('mount -t debugfs debugfs /sys/kernel/debug');
    await n3.killAll();
    await t.context.scene.start([n3]);
    t.is(await n3.shown('unseen'), 'quarantined');
    t.is(await n3.shown('listed'), 'held');
    const left = (await n3.status()).warnings.filter((text) => text.includes('lock tables'));
    t.deepEqual(left, [], 'what is seen again is not warned of any more');
  });

  test.serial('quarantine ends by the explicit command, whose reason is logged', async (t) => {
    const [, n2, n3] = t.context.scene.nodes;
    const asked = { resource: 'stranger', mode: 'EX', reason: 'nobody uses it: looked at ps' };
    t.is((await n2.post('release-orphan', asked)).status, 200);
    await n3.take('stranger', named('vm-9'));
    t.regex(await n2.saidOf('stranger'), /nobody uses it: looked at ps/);
  });

  test.serial('when all is released the kernels have nothing left', async (t) => {
    const { nodes } = t.context.scene;
    await Promise.all(nodes.map((node) => node.releaseAll()));
    await Promise.all(nodes.map((node) => nothingLeft(node)));
    for (const node of nodes) t.deepEqual(await node.listed(), []);
  });
}

/** Waits until the node's kernel has no lock in the lockspace, granted, waiting or orphaned. */
export async function nothingLeft(node: SceneNode): Promise<void> {
  await waitUntil(async () => parseKernelTable(await node.kernelLocks()).length === 0, {
    what: `the kernel of ${node.guest.name} to have no lock`,
    timeoutMs: 2 * SETTLED_MS,
    intervalMs: 500,
    explain: async () => (await node.kernelLocks()) + JSON.stringify(await node.locks()),
  });
}

/** n1 holds some and waits for two that n2 holds. */
async function holdAndWait(n1: SceneNode, n2: SceneNode): Promise<void> {
  await n1.take('held', named('vm-1'));
  await n1.take('shared', named('vm-1'), 'PR');
  await n1.take('shared', named('vm-2'), 'PR');
  await n1.take('unlocked-unseen', named('vm-1'));
  await n2.take('granted-unseen', named('n2'));
  await n2.take('never-granted', named('n2'));
  for (const resource of ['granted-unseen', 'never-granted']) {
    await n1.postUnheard('acquire', { resource, owner: named('vm-1'), ...FOR_EVER });
    await n1.until(`wait for ${resource}`, async () => {
      return (await n1.kernel(resource))[0]?.status === 'converting';
    });
  }
}

/** n2 holds what will be meddled with, some of it for processes. */
async function leaveBehindOwners(n2: SceneNode, owners: Map<string, ProcessOwner>): Promise<void> {
  for (const resource of ['lost', 'rebooted', 'rebooted-orphan', 'quiet']) {
    await n2.take(resource, named('vm-3'));
  }
  for (const resource of ['owner-gone', 'owner-lives', 'owner-replaced']) {
    const owner = await n2.startOwner(resource);
    owners.set(resource, owner);
    await n2.take(resource, owner);
  }
}

/**
 * The daemon of n1 stands still while its child unlocks one lock and is granted another; then both
 * are killed: the list says `releasing` of what is free and `intent` of what is held.
 */
async function freezeDaemon(n1: SceneNode, n2: SceneNode): Promise<void> {
  const child = await n1.childPid();
  await n1.guest.killProcess(child, 'STOP');
  await n1.postUnheard('release', { resource: 'unlocked-unseen', owner: named('vm-1') });
  await n1.until('have written the release', async () => {
    return (await n1.listedState('unlocked-unseen')) === 'releasing';
  });
  await n1.signal('STOP');
  await n2.release('granted-unseen', named('n2'));
  await n1.guest.killProcess(child, 'CONT');
  await n1.until('be granted the one and rid of the other', async () => {
    const [granted] = await n1.kernel('granted-unseen');
    return granted?.granted === KERNEL_MODE.EX && (await n1.kernel('unlocked-unseen')).length === 0;
  });
  await n1.killAll();
}

/** The child of n3 stands still while a release and an acquire are asked for, and dies so. */
async function freezeChild(n3: SceneNode): Promise<void> {
  await n3.take('not-unlocked', named('vm-4'));
  await n3.guest.killProcess(await n3.childPid(), 'STOP');
  await n3.postUnheard('release', { resource: 'not-unlocked', owner: named('vm-4') });
  await n3.postUnheard('acquire', { resource: 'not-asked', owner: named('vm-4') });
  await n3.until('have written both', async () => {
    return (await n3.listedState('not-unlocked')) === 'releasing' &&
      (await n3.listedState('not-asked')) === 'intent';
  });
  await n3.killAll();
}

/** While n2's daemon is away, owners end, and a stranger takes and leaves locks. */
async function meddle(n2: SceneNode, owners: Map<string, ProcessOwner>): Promise<void> {
  await n2.killAll();
  await n2.guest.killProcess(owners.get('owner-gone')?.pid ?? 0);
  await n2.reusePid(owners.get('owner-replaced')?.pid ?? 0);
  await n2.probe('adopt:lost:EX', 'unlock:lost', 'adopt:rebooted:EX', 'unlock:rebooted',
    'take:stranger:EX', 'take:stranger-shared:PR', 'kill-child');
  await n2.rewriteList((lock) => {
    const ended = String(lock['resource']).startsWith('rebooted');
    return ended ? { ...lock, bootId: OTHER_BOOT } : lock;
  });
}
