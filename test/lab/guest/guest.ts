import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf } from '../../../src/errors.js';
import { BoundChild } from '../host/bound-child.js';
import { type CommandOptions, type CommandResult, run } from '../host/command.js';
import { LabError } from '../host/error.js';
import { settleAll } from '../host/settle.js';
import { waitUntil } from '../host/wait.js';
import type { LabImage } from '../image/cache.js';
import { FENCE_BROKEN_PATH } from './fencing.js';
import { type MachineConfig, qemuArguments } from './qemu-arguments.js';
import { Qmp } from './qmp.js';
import { SshChannel } from './ssh.js';

const BOOT_TIMEOUT_MS = 360_000;
const LOG_TAIL_CHARS = 3_000;
const PUT_TIMEOUT_MS = 180_000;

type Places = 'image' | 'monitorPath' | 'serialPath' | 'overlay';

export interface GuestOptions extends Omit<MachineConfig, Places> {
  readonly image: LabImage;
  /** Where overlay, sockets and the log of the console go. */
  readonly folder: string;
}

/** A program that runs in a guest under systemd. */
export interface GuestProgram {
  /** Its unit: `journalctl -u UNIT` shows its output. */
  readonly unit: string;
  readonly pid: number;
}

/** One virtual machine: its power, its cable, and commands in it. */
export class Guest {
  readonly nodeId: number;
  readonly name: string;
  readonly #config: MachineConfig;
  readonly #image: LabImage;
  readonly #ssh: SshChannel;
  readonly #consolePath: string;
  #qemu: BoundChild | null = null;
  #qmp: Qmp | null = null;
  #complaint = '';

  constructor(options: GuestOptions) {
    this.nodeId = options.nodeId;
    this.name = `n${options.nodeId}`;
    const path = (suffix: string): string => join(options.folder, `${this.name}.${suffix}`);
    this.#image = options.image;
    this.#consolePath = path('console.log');
    this.#config = {
      ...options,
      overlay: path('qcow2'),
      monitorPath: path('monitor'),
      serialPath: this.#consolePath,
    };
    this.#ssh = new SshChannel(options.sshPort, options.image, path('ssh'));
  }

  /** The pid of the QEMU that is this guest, or null while it is off. */
  get pid(): number | null {
    return this.#qemu?.alive === true ? this.#qemu.pid : null;
  }

  /** What a person types to get in; a command may follow. */
  get sshWords(): readonly string[] {
    return this.#ssh.words;
  }

  /** Makes the empty overlay over the image's disk. */
  async createDisk(): Promise<void> {
    const backing = ['-b', this.#image.disk, '-F', 'raw'];
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, this.#config.overlay]);
  }

  /** Starts the machine and returns when its monitor answers, long before it has booted. */
  async powerOn(): Promise<void> {
    if (this.pid !== null) throw new LabError('BUSY', `${this.name} is on already`);
    this.#complaint = '';
    const args = qemuArguments(this.#config);
    const qemu = BoundChild.start('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    qemu.process.stderr?.on('data', (chunk: Buffer) => (this.#complaint += chunk.toString()));
    qemu.process.stdout?.resume();
    this.#qemu = qemu;
    this.#qmp = await waitUntil(() => {
      this.#demandPower();
      return Qmp.open(this.#config.monitorPath);
    }, { what: `the monitor of ${this.name}`, timeoutMs: 15_000 });
  }

  /** Waits until commands can be run in it. */
  async booted(timeoutMs = BOOT_TIMEOUT_MS): Promise<void> {
    await waitUntil(async () => {
      this.#demandPower();
      return (await this.#ssh.attempt('true')).code === 0;
    }, { what: `${this.name} to boot`, timeoutMs, intervalMs: 500, explain: () => this.consoleTail() });
  }

  /** Runs a shell command in the guest; a status other than 0 is a `LabError`. */
  async exec(command: string, options?: CommandOptions): Promise<CommandResult> {
    const result = await this.attempt(command, options);
    if (result.code === 0) return result;
    const said = `${result.stdout.slice(-2000)}${result.stderr.slice(-2000)}`.trim();
    throw new LabError('COMMAND_FAILED', `${this.name}: ${command} gave ${result.code}: ${said}`);
  }

  /** As `exec`, but a status other than 0 is an answer. */
  attempt(command: string, options?: CommandOptions): Promise<CommandResult> {
    this.#demandPower();
    return this.#ssh.attempt(command, options);
  }

  /** Writes one file in the guest, and its folder when there is none. */
  async write(path: string, text: string, mode = 0o644): Promise<void> {
    const command = `install -D -m ${mode.toString(8)} /dev/stdin '${path}'`;
    await this.exec(command, { input: text });
  }

  /** Copies what is in a local folder into a folder of the guest. */
  async put(local: string, remote: string): Promise<void> {
    const pack = ['-c', '-f', '-', '-C', local, '.'];
    await this.#ssh.unpack('tar', pack, remote, PUT_TIMEOUT_MS);
  }

  /** Unpacks a local tar file into a folder of the guest. */
  async unpack(archive: string, remote: string): Promise<void> {
    await this.#ssh.unpack('cat', [archive], remote, PUT_TIMEOUT_MS);
  }

  /** Starts a program that goes on by itself; `unit` has to be unused in this guest. */
  async start(unit: string, command: readonly string[]): Promise<GuestProgram> {
    const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const options = '--quiet --collect --service-type=exec --property=SendSIGKILL=no';
    await this.exec(`systemd-run ${options} --unit=${unit} -- ${words}`);
    const { stdout } = await this.exec(`systemctl show --property=MainPID --value ${unit}`);
    const pid = Number(stdout.trim());
    if (pid > 0) return { unit, pid };
    const { stdout: log } = await this.exec(`journalctl --no-pager -u ${unit} | tail -20`);
    throw new LabError('GONE', `${unit} on ${this.name} ended at once: ${log}`);
  }

  /** Sends a signal to a process in the guest, KILL unless said. */
  async killProcess(pid: number, signal = 'KILL'): Promise<void> {
    await this.exec(`kill -${signal} ${pid}`);
  }

  /** Cuts the power at once: nothing is written back, nobody is told. */
  async powerOff(): Promise<void> {
    this.#qmp?.close();
    this.#qmp = null;
    await settleAll([this.#qemu?.end() ?? Promise.resolve(), this.#ssh.close()]);
  }

  /** Freezes the whole machine, its clock included. */
  async pause(): Promise<void> {
    await this.#monitor('stop');
  }

  /** Ends `pause`; also needed after a reset of a paused machine. */
  async continue(): Promise<void> {
    await this.#monitor('cont');
  }

  /** Presses the reset button: the machine boots again, which `booted` waits for. */
  async reset(): Promise<void> {
    await this.#monitor('system_reset');
    await this.#ssh.close();
  }

  /** Pulls the cable of the cluster network; the way of our commands stays. */
  async cutClusterLink(): Promise<void> {
    await this.#monitor('set_link', { name: 'cluster', up: false });
  }

  /** Puts the cable back. */
  async healClusterLink(): Promise<void> {
    await this.#monitor('set_link', { name: 'cluster', up: true });
  }

  /** Makes the fence agent *of this guest* fail from now on, whoever the victim is. */
  async breakFencing(): Promise<void> {
    await this.exec(`touch ${FENCE_BROKEN_PATH}`);
  }

  /** Ends `breakFencing`. */
  async repairFencing(): Promise<void> {
    await this.exec(`rm -f ${FENCE_BROKEN_PATH}`);
  }

  /** The end of what the machine printed on its console, for a message. */
  consoleTail(): string {
    try {
      const text = readFileSync(this.#consolePath, 'utf8').slice(-LOG_TAIL_CHARS);
      return `--- console of ${this.name}\n${text}${this.#complaint}`;
    } catch (thrown) {
      return `--- no console of ${this.name}: ${messageOf(thrown)}; ${this.#complaint}`;
    }
  }

  async #monitor(command: string, args: Record<string, unknown> = {}): Promise<void> {
    this.#demandPower();
    if (this.#qmp === null) throw new LabError('GONE', `${this.name} has no monitor yet`);
    await this.#qmp.command(command, args);
  }

  #demandPower(): void {
    if (this.pid !== null) return;
    const why = this.#qemu === null ? 'was never on' : `QEMU ${this.#qemu.ending}`;
    throw new LabError('GONE', `${this.name} is off (${why}) ${this.#complaint.trim()}`);
  }
}
