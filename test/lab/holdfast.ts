import type { CoordinatorEvent, LockView, NodeView, StatusView } from '../../src/control/schema.js';
import type { Explanation } from '../../src/coordinator/core/explain.js';
import { DEPLOY_PATH } from './deployment.js';
import type { Guest } from './guest/guest.js';
import { waitUntil } from './host/wait.js';

const MAIN = `${DEPLOY_PATH}/build/bundle/main.js`;
const CLI = `${DEPLOY_PATH}/build/bundle/cli/main.js`;
const SOCKET = '/run/holdfast/control.sock';
const CLI_TIMEOUT_MS = 60_000;
const READY_MS = 120_000;

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the control API answered; any HTTP status is an answer. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** holdfastd and the command line on one guest of the lab, used as an operator would. */
export class HoldfastNode {
  readonly guest: Guest;
  #starts = 0;
  #requests = 0;
  #unit = '';
  /** Of the daemon that was started last; 0 before the first. */
  protected daemonPid = 0;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Starts the daemon; a new unit each time, so that each run has a log of its own. */
  async start(): Promise<void> {
    this.#starts += 1;
    this.#unit = `holdfastd-${this.#starts}`;
    const program = await this.guest.start(this.#unit, ['/usr/bin/env', 'node', MAIN]);
    this.daemonPid = program.pid;
  }

  /** The pid of the process that speaks to libdlm. */
  async childPid(): Promise<number> {
    return Number((await this.guest.exec(`pgrep -P ${this.daemonPid}`)).stdout.trim());
  }

  /** Waits until the node vouches for its locks. */
  async ready(): Promise<void> {
    await this.until('vouch for its locks', async () => {
      return (await this.status()).standing.kind === 'ok';
    }, READY_MS);
  }

  /** Kills the daemon and the process that speaks to libdlm, in one blow. */
  async killAll(): Promise<void> {
    await this.guest.exec(`kill -9 ${this.daemonPid} $(pgrep -P ${this.daemonPid})`);
  }

  async signal(name: string): Promise<void> {
    await this.guest.exec(`kill -${name} ${this.daemonPid}`);
  }

  async isRunning(): Promise<boolean> {
    return (await this.guest.attempt(`kill -0 ${this.daemonPid}`)).code === 0;
  }

  async cli(words: string): Promise<CliResult> {
    return this.guest.attempt(`node ${CLI} ${words}`, { timeoutMs: CLI_TIMEOUT_MS });
  }

  /** By curl: to start Node.js takes seconds of an emulated processor, which asking must not. */
  async #get(path: string): Promise<unknown> {
    const { stdout } = await this.guest.exec(
      `curl --silent --show-error --max-time 20 --unix-socket ${SOCKET} http://localhost/v1/${path}`,
    );
    return JSON.parse(stdout);
  }

  /** One request to the control API, by curl too. */
  async post(path: string, body: object): Promise<ApiAnswer> {
    const { stdout } = await this.guest.exec(`${curlPost(path)} --write-out '\\n%{http_code}'`, {
      input: JSON.stringify(body),
    });
    const end = stdout.lastIndexOf('\n');
    const status = Number(stdout.slice(end + 1));
    return { status, body: JSON.parse(stdout.slice(0, end)) as unknown };
  }

  /** Sends a request and waits for no answer: curl goes on waiting in the guest. */
  async postUnheard(path: string, body: object): Promise<void> {
    // Standard input of a command in the background is empty unless it is a file.
    const file = `/var/tmp/request-${this.#requests++}.json`;
    await this.guest.write(file, JSON.stringify(body));
    await this.guest.exec(`(setsid ${curlPost(path)} <${file} >/dev/null 2>&1 &)`);
  }

  async status(): Promise<StatusView> {
    return (await this.#get('status')) as StatusView;
  }

  async nodes(): Promise<readonly NodeView[]> {
    return ((await this.#get('nodes')) as { nodes: NodeView[] }).nodes;
  }

  async locks(): Promise<readonly LockView[]> {
    return ((await this.#get('locks')) as { locks: LockView[] }).locks;
  }

  /** Why a resource is or is not to be had, as this node sees it. */
  async explain(resource: string): Promise<Explanation> {
    return (await this.#get(`explain?resource=${encodeURIComponent(resource)}`)) as Explanation;
  }

  /** What this node says of that one. */
  async stateOf(nodeId: number): Promise<string | undefined> {
    return (await this.nodes()).find((node) => node.id === nodeId)?.state;
  }

  /** Records every event from now on in a file of the guest; see `watched`. */
  async watch(): Promise<void> {
    const command = `node ${CLI} --json watch >> /var/tmp/watch-${this.#starts}.jsonl`;
    await this.guest.start(`watch-${this.#starts}`, ['/bin/sh', '-c', command]);
  }

  async watched(): Promise<readonly CoordinatorEvent[]> {
    const { stdout } = await this.guest.exec(`cat /var/tmp/watch-${this.#starts}.jsonl`);
    return stdout.trim().split('\n').filter((line) => line !== '')
      .map((line) => JSON.parse(line) as CoordinatorEvent);
  }

  /** The kernel's own table of this node's locks in the lockspace. */
  async kernelLocks(): Promise<string> {
    return (await this.guest.exec('cat /sys/kernel/debug/dlm/holdfast_locks')).stdout;
  }

  async until(
    what: string, happened: () => Promise<boolean>, timeoutMs = 60_000, intervalMs?: number,
  ): Promise<void> {
    await waitUntil(happened, {
      what: `${this.guest.name} to ${what}`, timeoutMs, explain: () => this.log(),
      ...(intervalMs === undefined ? {} : { intervalMs }),
    });
  }

  async log(): Promise<string> {
    const { stdout } = await this.guest.attempt(
      `journalctl --no-pager -o short-precise -u 'holdfastd-*' | tail -60; dlm_tool ls -n; ` +
      `dlm_tool status; ps -eo pid,ppid,stat,etimes,wchan:32,args | grep -E 'node|holdfast'; ` +
      `for p in $(pgrep holdfast-dlm); do echo "stack of $p:"; cat /proc/$p/stack; done; dmesg | tail -40`,
    );
    return `--- ${this.guest.name}\n${stdout}`;
  }
}

function curlPost(path: string): string {
  return `curl --silent --show-error --max-time 900 --unix-socket ${SOCKET} ` +
    `--header 'content-type: application/json' --data-binary @- http://localhost/v1/${path}`;
}
