import { existsSync } from 'node:fs';

import test from 'ava';

import { type Lab, startLab } from './cluster.js';
import type { Guest } from './guest/guest.js';
import { waitUntil } from './host/wait.js';

const JOIN = 'dlm_tool join probe';
const JOIN_TIMEOUT_MS = 60_000;

test('three guests form a cluster, one dies, is fenced, and DLM recovers without it', async (t) => {
  t.timeout(900_000);
  const timeline = new Timeline((line) => t.log(line));
  const lab = await startLab({ progress: (line) => timeline.mark(line) });
  const pids = lab.nodes.map((node) => node.pid);
  try {
    await lab.startCluster();
    await joinLockspace(lab);
    timeline.mark('every node is in the lockspace');

    await pauseShortly(lab.node(2));
    await lab.quorate([1, 2, 3]);
    timeline.mark('a pause of a second changed nothing');

    await lab.node(3).powerOff();
    timeline.mark('n3 lost its power');
    await lab.quorate([1, 2]);
    timeline.mark('the survivors are quorate without n3');
    await recovered(lab, [1, 2]);
    timeline.mark('the lockspace runs again without n3');
    const log = await fenceLog(lab, [1, 2]);
    t.regex(log, /node 3: \S+-n3 is off/);

    await lab.node(3).powerOn();
    await lab.node(3).booted();
    timeline.mark('n3 has booted again');
    await lab.rejoin(3);
    await lab.quorate([1, 2, 3]);
    await lab.node(3).exec(JOIN, { timeoutMs: JOIN_TIMEOUT_MS });
    await recovered(lab, [1, 2, 3]);
    timeline.mark('n3 is in the lockspace again');

    await lab.node(2).pause();
    timeline.mark('n2 was frozen');
    await waitUntil(() => lab.node(2).pid === null, {
      what: 'the frozen n2 to be switched off by the fence agent',
      timeoutMs: 120_000,
      explain: () => lab.explain(lab.node(1)),
    });
    timeline.mark('n2 was switched off by a survivor');
    await recovered(lab, [1, 3]);
    timeline.mark('the lockspace runs again without n2');
    t.regex(await fenceLog(lab, [1, 3]), /node 2: \S+-n2 was switched off/);
  } catch (thrown) {
    for (const node of lab.nodes) t.log(await lab.explain(node));
    throw thrown;
  } finally {
    await lab.stop();
  }
  timeline.mark('stopped');
  t.deepEqual(pids.filter((pid) => pid !== null && existsSync(`/proc/${pid}`)), []);
  t.false(existsSync(lab.folder));
});

/** A lockspace that dlm_tool makes stays until the node leaves it or dies. */
async function joinLockspace(lab: Lab): Promise<void> {
  await Promise.all(lab.nodes.map((node) => node.exec(JOIN, { timeoutMs: JOIN_TIMEOUT_MS })));
  await recovered(lab, [1, 2, 3]);
}

/** Waits until the lockspace of the given nodes runs with just them as members. */
async function recovered(lab: Lab, indexes: readonly number[]): Promise<void> {
  const members = new RegExp(`^members +${indexes.join(' ')} *$`, 'm');
  await Promise.all(indexes.map((index) => waitUntil(async () => {
    const { stdout } = await lab.node(index).attempt('dlm_tool ls');
    return members.test(stdout) && !/^new change/m.test(stdout) && !/wait /.test(stdout);
  }, {
    what: `the lockspace on n${index} to have the members ${indexes.join(' ')}`,
    timeoutMs: 60_000,
    explain: () => lab.explain(lab.node(index)),
  })));
}

async function pauseShortly(node: Guest): Promise<void> {
  await node.pause();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await node.continue();
}

async function fenceLog(lab: Lab, indexes: readonly number[]): Promise<string> {
  const command = 'journalctl --no-pager -t fence_holdfast_lab; dlm_tool dump | grep -i fence';
  const logs = await Promise.all(indexes.map((index) => lab.node(index).attempt(command)));
  return logs.map(({ stdout }) => stdout).join('');
}

/** When things happened, in seconds since the start and since the event before. */
class Timeline {
  readonly #print: (line: string) => void;
  readonly #started = performance.now();
  #last = this.#started;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  mark(what: string): void {
    const now = performance.now();
    const seconds = (from: number): string => ((now - from) / 1000).toFixed(1).padStart(6);
    this.#print(`${seconds(this.#started)} s (+${seconds(this.#last)})  ${what}`);
    this.#last = now;
  }
}
