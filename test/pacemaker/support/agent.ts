import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** The project's folder; this file is compiled to build/test/pacemaker/support. */
export const PROJECT = join(import.meta.dirname, '../../../..');
export const OCF = {
  success: 0, generic: 1, args: 2, unimplemented: 3, installed: 5, configured: 6, notRunning: 7,
} as const;

/** Of the package resource-agents where it is installed; otherwise the few that are used, by us. */
const REAL_FUNCTIONS = '/usr/lib/ocf/lib/heartbeat';
const FUNCTIONS = existsSync(join(REAL_FUNCTIONS, 'ocf-shellfuncs'))
  ? REAL_FUNCTIONS : join(PROJECT, 'test/pacemaker/support');

/** How long an action may take that a test is not interested in, ms. */
const KILL_MS = 30_000;

export interface AgentRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  /** What `ocf_exit_reason` said; empty when it did not. */
  readonly reason: string;
  readonly log: string;
}

/** One agent as Pacemaker runs it, in a world of stubs of its own. */
export class Agent {
  readonly folder: string;
  readonly #name: string;
  readonly #parameters: Record<string, string>;
  readonly #shell: readonly string[];

  private constructor(
    name: string, folder: string, parameters: Record<string, string>, shell: readonly string[],
  ) {
    this.#name = name;
    this.folder = folder;
    this.#parameters = parameters;
    this.#shell = shell;
  }

  static async create(
    t: ExecutionContext, name: 'coordinator' | 'lock', parameters: Record<string, string>,
    shell: readonly string[] = ['/bin/sh'],
  ): Promise<Agent> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-agent-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    for (const part of ['bin', 'tmp', 'sysfs']) mkdirSync(join(folder, part));
    const agent = new Agent(name, folder, parameters, shell);
    // Whatever the machine has that this runs on.
    agent.stub('dlm_tool', 'echo enable_fencing=1');
    return agent;
  }

  /** Puts a program of that name before all others; `body` is shell. */
  stub(name: string, body: string): void {
    const path = join(this.folder, 'bin', name);
    writeFileSync(path, `#!/bin/sh\necho "$*" >>"${this.folder}/${name}.calls"\n${body}\n`);
    chmodSync(path, 0o755);
  }

  /** The arguments that a stub was called with, a call a line. */
  calls(name: string): readonly string[] {
    const path = join(this.folder, `${name}.calls`);
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** Makes the kernel be in that lockspace, or not. */
  get lockspace(): string {
    return join(this.folder, 'sysfs', 'holdfast');
  }

  get marker(): string {
    return join(this.folder, 'tmp', 'holdfast-coordinator');
  }

  probe(): Promise<AgentRun> {
    return this.run('monitor', {}, '0');
  }

  /**
   * @param more parameters for this call only
   * @param interval of the operation, in ms; a monitor of 0 is a probe
   */
  async run(
    action: string, more: Record<string, string> = {}, interval = '10000',
  ): Promise<AgentRun> {
    const parameters = Object.entries({ ...this.#parameters, ...more }).map(([name, value]) => {
      return [name.startsWith('OCF_') ? name : `OCF_RESKEY_${name}`, value] as const;
    });
    const [shell = 'sh', ...words] = this.#shell;
    const child = spawn(shell, [...words, join(PROJECT, 'pacemaker/ocf', this.#name), action], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: KILL_MS,
      env: {
        PATH: `${this.folder}/bin:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
        OCF_ROOT: '/usr/lib/ocf',
        OCF_FUNCTIONS_DIR: FUNCTIONS,
        HOLDFAST_AGENT_LIB: join(PROJECT, 'pacemaker/ocf/lib'),
        HOLDFAST_DLM_SYSFS: join(this.folder, 'sysfs'),
        HA_RSCTMP: join(this.folder, 'tmp'),
        OCF_RA_VERSION_MAJOR: '1', OCF_RA_VERSION_MINOR: '1',
        OCF_RESOURCE_PROVIDER: 'holdfast', OCF_RESOURCE_TYPE: this.#name,
        OCF_RESOURCE_INSTANCE: 'rsc',
        OCF_RESKEY_CRM_meta_interval: interval,
        OCF_RESKEY_CRM_meta_timeout: '20000',
        ...Object.fromEntries(parameters),
      },
    });
    let stdout = '';
    let log = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    await once(child, 'close');
    const reasons = [...log.matchAll(/^ocf-exit-reason:(.*)$/gm)].map(([, text]) => text ?? '');
    return { exitCode: child.exitCode, stdout, reason: reasons.at(-1) ?? '', log };
  }
}

/** The shells that agents have to run in, of those that are here. */
export const SHELLS: readonly (readonly string[])[] = [
  ['/bin/sh'], ['/bin/dash'], ['/bin/busybox', 'sh'], ['/bin/bash', '--posix'],
].filter(([path]) => path !== undefined && existsSync(path));
