import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { startLab, type Lab } from '../cluster.js';
import { DEPLOY_PATH } from '../deployment.js';
import { HoldfastNode } from '../holdfast.js';
import { waitUntil } from '../host/wait.js';
import type { Timeline } from '../timeline.js';
import {
  RUNNER_PATH, runnerText, STANDIN_PATH, STANDIN_TEXT, STONITH_PATH, stonithAgentText,
} from './guest-files.js';
import { Recorder } from './recorder.js';

/** A starved guest must not look dead. */
const TOKEN_MS = 10_000;
const MEMORY_MIB = 1_024;
const SLOW_MS = 300_000;
const SETTLED_S = 400;
/** Each question takes an emulated processor the better part of a second. */
const ASK_PAUSE_MS = 1_000;
/** An emulated processor is slower than any that the samples' time-outs were meant for. */
const SLOWER = 3;
const PROJECT = join(import.meta.dirname, '../../../..');

/** The lock, the virtual machine and the name of what is locked, as in the samples. */
export const VM = 'vm-17';
export const LOCK = 'vm-17-lock';
export const RESOURCE = 'vm:4c4c4544-0035-4d10-8044-b7c04f4e3332';

/** What is before the samples: the fence device, which is each site's own. */
const FENCING_CRM = `
property stonith-action=off stonith-timeout=90s
primitive fencing stonith:fence_holdfast_pacemaker \\
    params pcmk_host_list="n1 n2 n3" pcmk_off_timeout=60s \\
    op monitor interval=0 timeout=60s
`;

/** A node under Pacemaker, as its operator sees it. */
export class PacemakerNode extends HoldfastNode {
  /** Started by Pacemaker, by its unit: not by us. */
  async daemon(): Promise<number> {
    const { stdout } = await this.guest.exec('systemctl show -p MainPID --value holdfastd');
    return Number(stdout.trim());
  }

  get isOn(): boolean {
    return this.guest.pid !== null;
  }

  /** Where a resource runs, as this node's Pacemaker has it; in the order of names. */
  async whereIs(resource: string): Promise<readonly string[]> {
    const { stdout } = await this.guest.attempt(
      `crm_resource --quiet --locate --resource ${resource}`);
    return stdout.split(/\s+/).filter((word) => /^n\d$/.test(word)).sort();
  }

  override async log(): Promise<string> {
    const { stdout } = await this.guest.attempt('crm_mon -1rfn; dlm_tool ls -n; dlm_tool status; ' +
      'journalctl --no-pager -o short-precise -n 150 -u holdfastd -u pacemaker -u corosync');
    return `--- ${this.guest.name}\n${stdout}`;
  }
}

/** Three nodes with Pacemaker, Holdfast from its samples, and a stand-in for a virtual machine. */
export class PacemakerScene {
  readonly lab: Lab;
  readonly recorder: Recorder;
  readonly timeline: Timeline;
  readonly nodes: readonly PacemakerNode[];

  private constructor(lab: Lab, recorder: Recorder, timeline: Timeline) {
    this.lab = lab;
    this.recorder = recorder;
    this.timeline = timeline;
    this.nodes = lab.nodes.map((guest) => new PacemakerNode(guest));
  }

  /** Boots and installs; Pacemaker does not run yet. `keep` hears of it before it is ready. */
  static async start(
    timeline: Timeline, keep: (scene: PacemakerScene) => void,
  ): Promise<PacemakerScene> {
    const lab = await startLab({
      flavour: 'pacemaker', tokenMs: TOKEN_MS, memoryMiB: MEMORY_MIB,
      progress: (line) => timeline.mark(line),
    });
    const scene = new PacemakerScene(lab, await Recorder.start(), timeline);
    keep(scene);
    await lab.deploy();
    await Promise.all(scene.nodes.map((node) => scene.#install(node)));
    timeline.mark('holdfast is installed');
    return scene;
  }

  /** As docs/pacemaker.md says, and what a site brings itself. */
  async #install({ guest }: PacemakerNode): Promise<void> {
    await guest.write('/etc/dlm/dlm.conf', readFileSync(join(PROJECT, 'corosync/dlm.conf'), 'utf8'));
    await guest.write(STONITH_PATH, stonithAgentText(this.lab.fenceTargets), 0o755);
    await guest.write(STANDIN_PATH, STANDIN_TEXT, 0o755);
    await guest.write(RUNNER_PATH, runnerText(this.recorder.port), 0o755);
    await guest.exec(`node ${DEPLOY_PATH}/build/bundle/cli/main.js install`, { timeoutMs: SLOW_MS });
    await guest.exec('systemd-sysusers; systemd-tmpfiles --create; systemctl daemon-reload; sync',
      { timeoutMs: SLOW_MS });
  }

  node(index: number): PacemakerNode {
    const node = this.nodes[index - 1];
    if (node === undefined) throw new RangeError(`there is no node ${index}`);
    return node;
  }

  named(name: string): PacemakerNode {
    return this.node(Number(name.slice(1)));
  }

  /** The others, of which the first is the one to be asked. */
  othersThan(node: PacemakerNode): readonly PacemakerNode[] {
    return this.nodes.filter((other) => other !== node);
  }

  /** Starts corosync and Pacemaker, and waits until all see each other. */
  async startPacemaker(nodes: readonly PacemakerNode[] = this.nodes): Promise<void> {
    await Promise.all(nodes.map(({ guest }) =>
      guest.exec('systemctl start corosync pacemaker', { timeoutMs: SLOW_MS })));
    await this.lab.quorate([1, 2, 3], SLOW_MS);
    await this.until('all nodes online', async () => {
      const { stdout } = await this.node(1).guest.attempt('crm_mon -1');
      return /Online: \[ n1 n2 n3 \]/.test(stdout);
    });
  }

  /** Loads crmsh's text, such as a sample, as an operator does. */
  async load(text: string): Promise<void> {
    const { guest } = this.node(1);
    await guest.write('/var/tmp/load.crm', text);
    await guest.exec('crm configure load update /var/tmp/load.crm', { timeoutMs: SLOW_MS });
  }

  /** The fence device, and the samples with the stand-in for the virtual machine. */
  async loadSamples(): Promise<void> {
    const sample = (name: string): string =>
      readFileSync(join(PROJECT, 'pacemaker/samples', name), 'utf8')
        .replace(/timeout=(\d+)s/g, (_, seconds) => `timeout=${Number(seconds) * SLOWER}s`);
    const vm = sample('vm.crm')
      .replace('ocf:heartbeat:VirtualDomain', 'ocf:holdfast-lab:standin')
      .replace(/ +params config=.*\\\n/, '');
    await this.load(FENCING_CRM);
    for (const text of [sample('holdfast.crm'), sample('alert.crm'), vm]) await this.load(text);
  }

  async until(
    what: string, happened: () => Promise<boolean>, timeoutMs = SLOW_MS,
  ): Promise<void> {
    await waitUntil(happened, {
      what, timeoutMs, intervalMs: ASK_PAUSE_MS, explain: () => this.log(),
    });
  }

  /** Until Pacemaker has nothing more to do. */
  async settled(node = this.firstOn()): Promise<void> {
    const command = `crm_resource --wait --timeout=${SETTLED_S}`;
    await node.guest.exec(command, { timeoutMs: (SETTLED_S + 60) * 1_000 });
  }

  firstOn(): PacemakerNode {
    const node = this.nodes.find(({ isOn }) => isOn);
    if (node === undefined) throw new Error('no node is on');
    return node;
  }

  /** Until the stand-in runs, by its own word and by Pacemaker's, and where. */
  async vmHome(asked = this.firstOn()): Promise<PacemakerNode> {
    const homes = await asked.whereIs(VM);
    const home = homes[0];
    if (homes.length !== 1 || home === undefined) {
      throw new Error(`${VM} runs on [${homes.join(', ')}]\n${await this.log()}`);
    }
    return this.named(home);
  }

  async untilVmRuns(
    on: (node: string) => boolean, asked = this.firstOn(), timeoutMs = SLOW_MS,
  ): Promise<PacemakerNode> {
    const startedMs = performance.now();
    await this.until(`${VM} to run`, async () => {
      const life = this.recorder.latest(VM);
      return life !== undefined && on(life.node) && life.lastMs >= startedMs
        && (await asked.whereIs(VM)).join() === life.node;
    }, timeoutMs);
    return this.named(this.recorder.latest(VM)?.node ?? '');
  }

  /** A machine that was fenced or shut down comes back into the cluster. */
  async comeBack(node: PacemakerNode): Promise<void> {
    if (!node.isOn) await node.guest.powerOn();
    await node.guest.booted();
    await node.guest.healClusterLink();
    await this.startPacemaker([node]);
    await this.settled();
    this.timeline.mark(`${node.guest.name} is back`);
  }

  async log(): Promise<string> {
    const parts: string[] = [];
    for (const node of this.nodes) if (node.isOn) parts.push(await node.log().catch(String));
    return parts.join('\n');
  }

  async stop(): Promise<void> {
    await this.lab.stop();
    this.recorder.close();
  }
}
