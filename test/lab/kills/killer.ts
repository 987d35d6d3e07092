import { setTimeout as pause } from 'node:timers/promises';

import { UNIT, type SceneNode } from '../reconcile/scene.js';

const VICTIMS = ['daemon', 'daemon', 'child', 'child', 'both'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A victim that is not there yet, as a child of a daemon that starts, is looked for again. */
const RETRY_MS = 250;
const TRIES_MAX = 400;

export interface Kill {
  readonly node: number;
  readonly victim: Victim;
  /** Whether the daemon vouched for its locks: false is a kill within a start or an adoption. */
  readonly settled: boolean;
}

/** How many kills are left to all killers together. */
export class Budget {
  #left: number;

  constructor(kills: number) {
    this.#left = kills;
  }

  take(): boolean {
    this.#left -= 1;
    return this.#left >= 0;
  }
}

/**
 * Kills processes of one node at random moments until the budget is used up: a third of them soon
 * after the kill before, while the node still comes back. `random` gives numbers in [0, 1).
 */
export async function killAtRandom(
  node: SceneNode, budget: Budget, random: () => number, say: (kill: Kill) => void,
): Promise<void> {
  while (budget.take()) {
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'daemon';
    const soon = random() < 0.35;
    const delayMs = random() * (soon ? 12_000 : 4_000);
    if (!soon) await node.ready();
    await pause(delayMs);
    const settled = await killOne(node, victim);
    say({ node: node.guest.nodeId, victim, settled });
  }
  await node.ready();
}

/** Whether the daemon vouched for its locks just before. */
async function killOne(node: SceneNode, victim: Victim): Promise<boolean> {
  const pids = { daemon: '$d', child: '$c', both: '$d $c' }[victim];
  const script = `d=$(systemctl show -p MainPID --value ${UNIT}); [ "$d" -gt 0 ] || exit 9; ` +
    `c=$(pgrep -P $d -x 'holdfast-dlm|node'); ${victim === 'daemon' ? '' : '[ -n "$c" ] || exit 9; '}` +
    `s=$(curl -s -m 5 --unix-socket /run/holdfast/control.sock http://localhost/v1/status); ` +
    `kill -9 ${pids} || exit 9; echo "$s"`;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const { code, stdout } = await node.guest.attempt(script);
    if (code === 0) return stdout.includes('"kind":"ok"');
    await pause(RETRY_MS);
  }
  throw new Error(`there was no ${victim} to kill on ${node.guest.name}`);
}
