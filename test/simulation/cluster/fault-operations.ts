import type { Op } from './op.js';
import type { ClusterWorld } from './world.js';

const CLOCK_JUMP_MS_MAX = 30 * 24 * 3_600_000;

/** SIGKILL of the daemon; its service manager starts it again. */
export function killDaemon(world: ClusterWorld, { node }: Op): boolean {
  const host = world.host(node);
  if (host.daemon === null) return false;
  host.killDaemon();
  return true;
}

/** SIGKILL of the child that speaks to the kernel. */
export function killChild(world: ClusterWorld, { node }: Op): boolean {
  const { daemon } = world.host(node);
  daemon?.process.killChild();
  return daemon !== null;
}

/** The daemon alone stands still, up to seven seconds, as with SIGSTOP. */
export function stopDaemon(world: ClusterWorld, { node, amount }: Op): boolean {
  const { daemon, node: machine } = world.host(node);
  if (daemon === null || machine.state !== 'on') return false;
  daemon.process.hold();
  world.later(amount * 7_000, `SIGCONT for the daemon of n${node}`, () => {
    if (machine.state === 'on') daemon.process.release();
  });
  return true;
}

/** The power goes, and comes back within twenty seconds. */
export function powerOff(world: ClusterWorld, { node, amount }: Op): boolean {
  const host = world.host(node);
  if (host.node.state === 'off') return false;
  host.keptPart = amount;
  world.cluster.powerOff(node);
  world.later(amount * 20_000, `the power of n${node} is back`, () => powerOn(world, node));
  return true;
}

/** As a loss of power, and corosync never tells the others' groups that the node is gone. */
export function leaveGhost(world: ClusterWorld, { node, amount }: Op): boolean {
  const host = world.host(node);
  if (host.node.state === 'off') return false;
  host.keptPart = amount;
  world.cluster.powerOffAsGhost(node);
  world.later(amount * 40_000, `the power of n${node} is back`, () => powerOn(world, node));
  return true;
}

/** Somebody sets the clock of that machine, by a month at most, or NTP does. */
export function jumpClock(world: ClusterWorld, { node, amount }: Op): boolean {
  world.host(node).clockOffMs += Math.round((amount - 0.5) ** 3 * 8 * CLOCK_JUMP_MS_MAX);
  return true;
}

export function powerOn(world: ClusterWorld, node: number): void {
  world.host(node).noticePower();
  world.cluster.powerOn(node);
}

/** The whole machine stands still, up to five seconds: often longer than it takes to be missed. */
export function pauseNode(world: ClusterWorld, { node, amount }: Op): boolean {
  if (world.host(node).node.state !== 'on') return false;
  world.cluster.pause(node);
  world.later(amount * amount * 5_000, `n${node} goes on`, () => world.cluster.resume(node));
  return true;
}

/** Some nodes are cut off from the others. */
export function partition(world: ClusterWorld, { node, amount }: Op): boolean {
  const count = 1 + Math.floor(amount * (world.hosts.length - 1));
  const side = world.hosts.slice(0, count).map((_, index) => {
    return 1 + ((node - 1 + index) % world.hosts.length);
  });
  world.cluster.cut(side);
  world.later(healMs(amount), 'all cuts are healed', () => world.cluster.heal());
  return true;
}

/**
 * Two nodes hear only one of each other's directions. Totem then forms rings by turns, with the
 * one and with the other, until the link is whole again.
 */
export function cutOneWay(world: ClusterWorld, { node, amount }: Op): boolean {
  const other = 1 + (node % world.hosts.length);
  const periodMs = 100 + Math.floor(amount * 800);
  for (let round = 0; round < 4; round += 1) {
    const lost = round % 2 === 0 ? node : other;
    world.later(round * periodMs, `the others hear n${lost} no more`, () => {
      world.cluster.heal();
      world.cluster.cut([lost]);
    });
  }
  world.later(4 * periodMs, 'both directions work', () => world.cluster.heal());
  return true;
}

/** corosync dies under a living daemon and is started again. */
export function restartCorosync(world: ClusterWorld, { node, amount }: Op): boolean {
  if (world.host(node).node.state === 'off') return false;
  if (amount < 0.3) world.cluster.stopCorosync(node);
  else world.cluster.killCorosync(node);
  world.later(20 + amount * 3_000, `corosync starts on n${node}`, () => {
    world.cluster.startCorosync(node);
  });
  return true;
}

/** Fencing of that node gets no answer for up to fifteen seconds. */
export function withholdFencing(world: ClusterWorld, { node, amount }: Op): boolean {
  world.cluster.withholdFencing(node);
  world.later(amount * 15_000, `fencing of n${node} is confirmed`, () => {
    world.cluster.confirmFencing(node);
  });
  return true;
}

/** Every call of the disk takes up to two seconds. */
export function slowDisk(world: ClusterWorld, { node, amount }: Op): boolean {
  const { trouble } = world.host(node);
  trouble.delayMs = Math.ceil(amount * amount * 2_000);
  world.later(8_000, `the disk of n${node} is quick again`, () => (trouble.delayMs = 0));
  return true;
}

/** The disk fails, or is full, for some seconds. */
export function failDisk(world: ClusterWorld, { node, amount }: Op): boolean {
  const { trouble } = world.host(node);
  trouble.failure = amount < 0.5 ? 'EIO' : 'ENOSPC';
  world.later(500 + amount * 8_000, `the disk of n${node} works`, () => (trouble.failure = null));
  return true;
}

/** Daemons that start there for now cannot read the kernel's tables. */
export function hideTables(world: ClusterWorld, { node, amount }: Op): boolean {
  const host = world.host(node);
  host.hasTables = false;
  host.killDaemon();
  world.later(amount * 20_000, `debugfs is mounted on n${node}`, () => (host.hasTables = true));
  return true;
}

/** Some end before they are missed, and some stay longer than that. */
function healMs(amount: number): number {
  return 30 + amount * amount * 6_000;
}
