import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControlClient } from '../control/index.js';
import { messageOf } from '../errors.js';
import { DevCluster } from './dev-cluster.js';
import { playScene } from './scene.js';

/** How long the first start may take until every node is ready. */
const READY_MS = 20_000;
const POLL_MS = 20;

export interface DevOptions {
  readonly nodes: number;
  readonly scene: boolean;
  /** Leave after the scene instead of staying up. */
  readonly once: boolean;
  /** The file of the command line, to be shown. */
  readonly cliFile: string;
}

/** Runs a cluster in this process; resolves with the exit code. */
export async function runDev(options: DevOptions): Promise<number> {
  if (options.scene && options.nodes !== 3) return refuse('--scene is written for --nodes 3');
  if (options.once && !options.scene) return refuse('--once goes with --scene');
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-dev-'));
  const logLevel = options.scene ? 'error' : 'info';
  const cluster = new DevCluster({ nodes: options.nodes, directory, logLevel });
  const interrupt = listenForSignal();
  try {
    await Promise.race([play(cluster, options, interrupt.received), interrupt.received]);
    return 0;
  } catch (error) {
    process.stderr.write(`holdfastd --dev: ${messageOf(error)}\n`);
    return 1;
  } finally {
    interrupt.forget();
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function play(
  cluster: DevCluster,
  options: DevOptions,
  interrupted: Promise<void>,
): Promise<void> {
  for (const nodeId of cluster.nodeIds) await cluster.start(nodeId);
  await untilReady(cluster);
  if (options.scene) await playScene(cluster, say);
  if (options.once) return;
  await showCommands(cluster, options);
  await interrupted;
}

/** From the start on: whoever gives up early wants nothing left behind either. */
function listenForSignal(): { readonly received: Promise<void>; forget(): void } {
  let end = (): void => undefined;
  const received = new Promise<void>((resolve) => {
    end = resolve;
  });
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  return {
    received,
    forget: () => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
    },
  };
}

function refuse(message: string): number {
  process.stderr.write(`holdfastd: ${message}\n`);
  return 2;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function untilReady(cluster: DevCluster): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (const nodeId of cluster.nodeIds) {
    const client = openControlClient({ socketPath: cluster.socketPath(nodeId) });
    for (;;) {
      const { standing } = await client.status();
      const peersSynced = (await client.nodes()).filter((node) => node.state === 'synced');
      if (standing.kind === 'ok' && peersSynced.length === cluster.nodeIds.length) break;
      if (performance.now() > deadline) throw new Error(`n${nodeId} is not ready: ${standing.kind}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** After the scene n1 is switched on again, so that there is a whole cluster to try. */
async function showCommands(
  cluster: DevCluster, { scene: afterScene, cliFile }: DevOptions,
): Promise<void> {
  if (afterScene) {
    cluster.powerOn(1);
    await cluster.start(1);
    await untilReady(cluster);
  }
  const count = cluster.nodeIds.length;
  const nodes = count === 1 ? 'one node' : `${count} nodes`;
  say(`\nThree things to try in another terminal (this one keeps ${nodes} up):`);
  say(`  alias holdfast='node ${cliFile}'`);
  const others = count === 1 ? '' : '      # n1; the others are beside it';
  say(`  export HOLDFAST_SOCKET=${cluster.socketPath(1)}${others}`);
  say(`  holdfast nodes; holdfast locks`);
  const elsewhere = count === 1 ? '' : `--socket ${cluster.socketPath(2)} `;
  say(`  holdfast acquire vm-disk-2 --owner me; holdfast ${elsewhere}acquire vm-disk-2 --owner you`);
  say(`  holdfast run vm-disk-3 -- sleep 30 &  holdfast watch`);
  say('Ctrl-C ends it.');
}
