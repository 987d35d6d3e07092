import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { messageOf } from '../../src/errors.js';
import { type Lab, startLab } from './cluster.js';
import { DEPLOY_PATH, packProject } from './deployment.js';
import { LabError } from './host/error.js';
import { waitUntil } from './host/wait.js';
import { ensureImage } from './image/cache.js';
import { isAlive } from './host/scratch.js';
import { announceLab, findLab, type RunningLab, withdrawLab } from './state-file.js';

const USAGE = `usage: npm run lab -- COMMAND
  up             boot three guests, form the cluster, deploy; stays until Ctrl-C or down
  ssh N          a shell on node N
  exec N WORDS   a command on node N
  deploy         install the project as it is built now
  down           end the lab that runs
  image          build the image when the cache has none`;

/** The hand tool of a developer; gives the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case 'up': return await up();
      case 'image': return await image();
      case 'ssh': return await enter(rest.slice(0, 1), true);
      case 'exec': return await enter(rest, false);
      case 'deploy': return await deploy();
      case 'down': return await down();
      default:
        console.error(USAGE);
        return 2;
    }
  } catch (thrown) {
    if (!(thrown instanceof LabError)) throw thrown;
    console.error(`lab: ${messageOf(thrown)}`);
    return 1;
  }
}

async function up(): Promise<number> {
  // Whatever is under way when the end is asked for dies with this process.
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => null);
  const lab = await Promise.race([startLab({ progress: stopwatch() }), ended]);
  if (lab === null) return 1;
  try {
    await Promise.race([offer(lab), ended]);
    await ended;
  } finally {
    await lab.stop();
    if (findLab()?.folder === lab.folder) withdrawLab();
  }
  return 0;
}

async function offer(lab: Lab): Promise<void> {
  announceLab(lab.folder, lab.nodes.map((node) => node.sshWords));
  await lab.startCluster();
  await lab.deploy();
  for (const node of lab.nodes) console.log(`\n# ${node.name}\n${node.sshWords.join(' ')}`);
  console.log('\nThe lab is up. Ctrl-C, or npm run lab -- down, ends it.');
}

async function image(): Promise<number> {
  const { folder, cached } = await ensureImage(stopwatch());
  console.log(`${folder} (${cached ? 'was there' : 'built'})`);
  return 0;
}

async function enter(args: readonly string[], terminal: boolean): Promise<number> {
  const [number, ...words] = args;
  const [program, ...options] = sshWords(demandLab(), Number(number));
  if (program === undefined) return 2;
  return await pass(program, terminal ? ['-t', ...options] : [...options, words.join(' ')]);
}

async function deploy(): Promise<number> {
  const lab = demandLab();
  const archive = join(lab.folder, 'by-hand.tar');
  await packProject(archive);
  const unpack = `mkdir -p ${DEPLOY_PATH} && tar -x -f - -C ${DEPLOY_PATH}`;
  const codes = await Promise.all(lab.ssh.map((words) =>
    pass('sh', ['-c', '"$@" <"$0"', archive, ...words, unpack])));
  return Math.max(...codes);
}

async function down(): Promise<number> {
  const lab = demandLab();
  process.kill(lab.owner.pid, 'SIGTERM');
  await waitUntil(() => !isAlive(lab.owner), {
    what: `the lab of pid ${lab.owner.pid} to end`,
    timeoutMs: 30_000,
  });
  return 0;
}

function demandLab(): RunningLab {
  const lab = findLab();
  if (lab === null) throw new LabError('GONE', 'no lab runs; start one: npm run lab -- up');
  return lab;
}

function sshWords(lab: RunningLab, number: number): readonly string[] {
  const words = lab.ssh[number - 1];
  if (words === undefined) {
    throw new LabError('GONE', `there is no node ${number}; say 1 to ${lab.ssh.length}`);
  }
  return words;
}

async function pass(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

function stopwatch(): (line: string) => void {
  const started = performance.now();
  return (line) => console.log(`${((performance.now() - started) / 1000).toFixed(1)} s  ${line}`);
}
