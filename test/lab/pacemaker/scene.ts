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
import { Manual } from './manual.js';
import { Recorder } from './recorder.js';

/** A starved guest must not look dead. */
const TOKEN_MS = 10_000;
const MEMORY_MIB = 1_024;
const SLOW_MS = 300_000;
const SETTLED_S = 400;
/** Each question takes an emulated processor the better part of a second. */
const ASK_PAUSE_MS = 1_000;
/** An emulated processor is slower than any that the samples' time-outs were meant for. */
const SLOWER = 6;
const PROJECT = join(import.meta.dirname, '../../../..');
/** Where the samples lie on the guests as the lab needs them. */
const SAMPLES = '/var/tmp/samples';
/** In the order that they are to be loaded in. */
const SAMPLE_NAMES = ['holdfast', 'alert', 'vm'] as const;

/** The two shells that there are samples for: how a sample's file ends, and what loads it. */
export const SHELLS = {
  crm: { ending: 'crm', command: 'crm configure load update ' },
  pcs: { ending: 'pcs.sh', command: 'sh ' },
} as const;
export type Shell = keyof typeof SHELLS;

/** The lock, the virtual machine and the name of what is locked, as in the samples. */
export const VM = 'vm-17';
export const LOCK = 'vm-17-lock';
export const RESOURCE = 'vm:4c4c4544-0035-4d10-8044-b7c04f4e3332';

const FENCING_CRM = `
property stonith-action=off stonith-timeout=90s
primitive fencing stonith:fence_holdfast_pacemaker \\
    params pcmk_host_list="n1 n2 n3" pcmk_off_timeout=60s \\
    op monitor interval=0 timeout=60s
`;

/** A sample for this lab: a stand-in for the virtual machine, and more time for everything. */
function sampleText(file: string): string {
  return readFileSync(join(PROJECT, 'pacemaker/samples', file), 'utf8')
    .replace(/timeout=(\d+)s/g, (_, seconds) => `timeout=${Number(seconds) * SLOWER}s`)
    .replace('ocf:heartbeat:VirtualDomain', 'ocf:holdfast-lab:standin')
    .replace(/^ +(params )?config=.*\\\n/m, '');
}

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
  readonly manual = new Manual();

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
    // Where npm puts it.
    await guest.exec(`ln -s ${DEPLOY_PATH}/build/bundle/cli/main.js /usr/local/bin/holdfast`);
    for (const command of [
      'systemctl disable --now dlm', 'holdfast install',
      'systemd-sysusers; systemd-tmpfiles --create; systemctl daemon-reload',
    ]) await guest.exec(this.manual.follow(command), { timeoutMs: SLOW_MS });
    for (const { ending } of Object.values(SHELLS)) {
      for (const name of SAMPLE_NAMES) {
        await guest.write(`${SAMPLES}/${name}.${ending}`, sampleText(`${name}.${ending}`));
      }
    }
    await guest.exec('sync', { timeoutMs: SLOW_MS });
  }

  /**
   * Does on that node what the manual says, in the folder of the samples.
   *
   * @param meant what stands in the place of NODE and the like
   * @returns what it said
   */
  async follow(
    { guest }: PacemakerNode, command: string, meant: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const words = this.manual.follow(command, meant);
    return (await guest.exec(`cd ${SAMPLES} && ${words}`, { timeoutMs: SLOW_MS })).stdout;
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

  /** The fence device, which the samples need and which is each site's own. */
  async configureFencing(): Promise<void> {
    const { guest } = this.node(1);
    await guest.write('/var/tmp/fencing.crm', FENCING_CRM);
    await guest.exec('crm configure load update /var/tmp/fencing.crm', { timeoutMs: SLOW_MS });
  }

  /** As an operator does. */
  async loadSamples(shell: Shell): Promise<void> {
    const { command, ending } = SHELLS[shell];
    for (const name of SAMPLE_NAMES) {
      await this.follow(this.node(1), `${command}${name}.${ending}`);
    }
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

  /** What every case finds: fence devices that work, and no machine off that was on before. */
  async makeWhole(): Promise<void> {
    for (const { guest, isOn } of this.nodes) if (isOn) await guest.repairFencing();
    const off = this.nodes.filter(({ isOn }) => !isOn);
    if (off.length === 0) return;
    await Promise.all(off.map(async ({ guest }) => {
      await guest.powerOn();
      await guest.booted();
      await guest.healClusterLink();
    }));
    await this.startPacemaker(off);
    await this.settled();
    this.timeline.mark(`${off.map(({ guest }) => guest.name).join(', ')} came back`);
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
