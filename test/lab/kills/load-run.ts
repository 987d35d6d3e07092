import { DEPLOY_PATH } from '../deployment.js';
import { waitUntil } from '../host/wait.js';
import type { LabContext } from '../lab-context.js';
import type { SceneNode } from '../reconcile/scene.js';
import { KernelWatch } from './kernel-watch.js';
import { TableReader } from './table-reader.js';
import type { Tally, WitnessServer } from './witness-server.js';

export const OWNERS_PER_NODE = 8;
export const RESOURCES = 6;

const LOOK_PAUSE_MS = 400;
const STARTED_MS_MAX = 120_000;
const DRAIN_MS_MAX = 300_000;

let loads = 0;

/** Sets the owners of some nodes to work, and waits until the witness knows them. */
export async function startLoad(
  { server }: LabContext, nodes: readonly SceneNode[], seed: number,
): Promise<void> {
  loads += 1;
  await Promise.all(nodes.map(async ({ guest }) => {
    const program = `${DEPLOY_PATH}/build/test/lab/kills/load.js`;
    const words = [guest.nodeId, seed, server.port, OWNERS_PER_NODE, RESOURCES].map(String);
    await guest.start(`load-${loads}`, ['/usr/bin/env', 'node', program, ...words]);
  }));
  await waitUntil(() => nodes.every(({ guest }) => server.nodes.includes(guest.nodeId)),
    { what: 'the owners of all nodes', timeoutMs: STARTED_MS_MAX });
}

/** Looks at a node's kernel from now on; stop it before that node is switched off. */
export function watchKernel(node: SceneNode, { witness }: WitnessServer): KernelWatch {
  const { nodeId, sshWords } = node.guest;
  return new KernelWatch(nodeId, new TableReader(sshWords), witness, LOOK_PAUSE_MS);
}

/** Has the owners of all nodes let go of everything; resolves with what they counted. */
export async function drainAll({ server }: LabContext): Promise<Tally[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(new Error(`owners did not let go: ${server.nodes.join()}`));
    timer = setTimeout(fail, DRAIN_MS_MAX);
  });
  try {
    return await Promise.race([late, Promise.all(server.nodes.map((node) => server.drain(node)))]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was held and looked at, in lines for the person who reads the run. */
export function describeLoad(
  tallies: readonly Tally[], watches: readonly KernelWatch[], { witness }: WitnessServer,
): string[] {
  const total: Record<string, number> = {};
  for (const tally of tallies) {
    for (const [what, count] of Object.entries(tally)) total[what] = (total[what] ?? 0) + count;
  }
  const sum = (pick: (watch: KernelWatch) => number): number =>
    watches.reduce((all, one) => all + pick(one), 0);
  return [
    `holdings: ${witness.begun.EX} exclusive, ${witness.begun.PR} shared; ` +
      `${witness.generationsSeen} generations seen`,
    `kernel tables: read ${sum((one) => one.counts.samples)} times, ` +
      `${sum((one) => one.counts.holders)} holders found in them, ` +
      `${sum((one) => one.counts.mastered)} resources checked by their master`,
    `owners: ${JSON.stringify(total)}`,
    `violations: ${witness.violations.length}`,
  ];
}
