import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type {
  ClusterView, DlmVersions, Grant, KernelResource, LocalLock, LockId, LockMode, LockspaceState,
  OpenRequest, ReplyWait, StalledOperation,
} from '../../src/dlm/index.js';
import type { LockMember } from '../conformance/lock-manager/fixture.js';
import type { Lab } from './cluster.js';
import { DEPLOY_PATH } from './deployment.js';
import { decodeLine, encodeLine } from './json-line.js';

const PROGRAM = `${DEPLOY_PATH}/build/test/lab/dlm-member.js`;

interface Message {
  readonly op?: number;
  readonly code?: string;
  readonly value?: unknown;
  readonly event?: 'blocking' | 'stalled';
  readonly mode?: LockMode | null;
  readonly operations?: readonly StalledOperation[];
}

/** A process in a guest that has the lockspace open; its calls travel over ssh. */
export class RemoteMember {
  readonly node: number;
  readonly lockspace: string;
  blockings: (LockMode | null)[] = [];
  stalls: (readonly StalledOperation[])[] = [];
  /** Its pid in the guest; 0 until the lockspace is open. */
  pid = 0;
  #spent = false;
  readonly #ssh: ChildProcess;
  readonly #waiting = new Map<number, (answer: Message) => void>();
  #nextOp = 0;
  #nextId = 1;

  constructor(lab: Lab, node: number, lockspace: string, request: OpenRequest) {
    this.node = node;
    this.lockspace = lockspace;
    const [program = 'ssh', ...words] = lab.node(node).sshWords;
    const command = `node ${PROGRAM} ${lockspace} '${JSON.stringify(request)}'`;
    this.#ssh = spawn(program, [...words, command], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#ssh.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#receive(decodeLine(line) as Message);
    });
    // A pipe that breaks is told by the end of ssh, which is what counts.
    this.#ssh.stdin?.on('error', () => this.#ssh.kill());
    this.#ssh.once('exit', () => {
      for (const settle of this.#waiting.values()) {
        settle({ code: 'CHILD_LOST', value: 'the process is gone' });
      }
      this.#waiting.clear();
    });
  }

  /** The pid of the program in the guest, once the lockspace is open. */
  async opened(): Promise<void> {
    this.pid = Number(await this.#answer(this.#nextOp++));
  }

  /** Whether another case may go on with it: its lockspace is open, its process there. */
  get reusable(): boolean {
    return !this.#spent && this.#ssh.exitCode === null && this.#ssh.signalCode === null;
  }

  /** Forgets what it was told in an earlier case. */
  renew(): void {
    this.blockings = [];
    this.stalls = [];
  }

  async call(call: string, id = 0, request: unknown = {}): Promise<unknown> {
    this.#spent ||= call === 'close' || call === 'release';
    const op = this.#nextOp++;
    const answer = this.#answer(op);
    this.#ssh.stdin?.write(encodeLine({ op, call, id, request }));
    return answer;
  }

  newId(): LockId {
    return this.#nextId++ as LockId;
  }

  /** Ends the program as its owner would. */
  async end(): Promise<void> {
    if (this.#ssh.exitCode === null && this.#ssh.signalCode === null) {
      const exit = once(this.#ssh, 'exit');
      this.#ssh.stdin?.end();
      await exit;
    }
  }

  /** Gives up a connection whose machine or process is gone. */
  abandon(): void {
    this.#spent = true;
    this.#ssh.kill('SIGKILL');
  }

  #receive(message: Message): void {
    if (message.event === 'blocking') this.blockings.push(message.mode ?? null);
    if (message.event === 'stalled') this.stalls.push(message.operations ?? []);
    this.#waiting.get(message.op ?? -1)?.(message);
    this.#waiting.delete(message.op ?? -1);
  }

  async #answer(op: number): Promise<unknown> {
    const { code, value } = await new Promise<Message>((resolve) => this.#waiting.set(op, resolve));
    if (code !== 'ok') {
      throw Object.assign(new Error(String(value)), { code });
    }
    return value;
  }
}

/** The member as the suite speaks to it. */
export function memberOf(remote: RemoteMember): LockMember {
  const call = async (name: string, id?: number, request?: unknown): Promise<void> => {
    await remote.call(name, id, request);
  };
  return {
    blockings: () => Promise.resolve(remote.blockings),
    stalls: () => Promise.resolve(remote.stalls),
    state: async () => await remote.call('state') as LockspaceState,
    clusterView: async () => await remote.call('clusterView') as ClusterView,
    lockspace: {
      take(request) {
        const id = remote.newId();
        return { id, granted: remote.call('take', id, request) as Promise<Grant> };
      },
      async adopt(request) {
        const id = remote.newId();
        await call('adopt', id, request);
        return id;
      },
      convert: async (id, request) => await remote.call('convert', id, request) as Grant,
      cancel: (id) => call('cancel', id),
      deadlockCancel: (id) => call('deadlockCancel', id),
      unlock: (id, request) => call('unlock', id, request),
      purge: (request) => call('purge', 0, request),
      localLocks: async () => await remote.call('localLocks') as LocalLock[],
      resources: async () => await remote.call('resources') as KernelResource[],
      replyWaits: async () => await remote.call('replyWaits') as ReplyWait[],
      versions: async () => await remote.call('versions') as DlmVersions,
      release: (request) => call('release', 0, request),
      close: () => call('close'),
    },
  };
}
