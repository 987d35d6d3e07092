import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'ava';
import type { LockMode, LockId, LocalLock, LockspaceState } from '../../src/dlm/index.js';
import {
  lockManagerCases, type LockManagerFixture, type LockMember,
} from '../conformance/lock-manager.js';
import { startLab, type Lab } from './cluster.js';
import { DEPLOY_PATH } from './deployment.js';
import { waitUntil } from './host/wait.js';
import { chooseSeed } from '../support/property-seed.js';

const PROGRAM = `${DEPLOY_PATH}/build/test/lab/dlm-member.js`;

interface Answer {
  readonly op?: number;
  readonly code?: string;
  readonly value?: unknown;
  readonly blocking?: LockMode | null;
}

/** A process in a guest that has the lockspace open; its calls travel over ssh. */
class RemoteMember {
  readonly node: number;
  readonly blockings: (LockMode | null)[] = [];
  readonly #ssh: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextOp = 0;
  #nextId = 1;

  constructor(lab: Lab, node: number, lockspace: string) {
    this.node = node;
    const [program = 'ssh', ...words] = lab.node(node).sshWords;
    this.#ssh = spawn(program, [...words, `node ${PROGRAM} ${lockspace}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#ssh.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if (answer.blocking !== undefined) {
        this.blockings.push(answer.blocking);
      }
      this.#waiting.get(answer.op ?? -1)?.(answer);
      this.#waiting.delete(answer.op ?? -1);
    });
    this.#ssh.once('exit', () => {
      for (const settle of this.#waiting.values()) {
        settle({ code: 'CHILD_LOST', value: 'the process is gone' });
      }
      this.#waiting.clear();
    });
  }

  /** The pid of the program in the guest, once the lockspace is open. */
  async opened(): Promise<number> {
    return Number(await this.#answer(this.#nextOp++));
  }

  async call(call: string, args: object = {}): Promise<unknown> {
    const op = this.#nextOp++;
    const answer = this.#answer(op);
    this.#ssh.stdin?.write(`${JSON.stringify({ op, call, ...args })}\n`);
    return answer;
  }

  newId(): LockId {
    return this.#nextId++ as LockId;
  }

  async end(): Promise<void> {
    if (this.#ssh.exitCode === null && this.#ssh.signalCode === null) {
      const exit = once(this.#ssh, 'exit');
      this.#ssh.stdin?.end();
      await exit;
    }
  }

  async #answer(op: number): Promise<unknown> {
    const { code, value } = await new Promise<Answer>((resolve) => this.#waiting.set(op, resolve));
    if (code !== 'ok') {
      throw Object.assign(new Error(String(value)), { code });
    }
    return value;
  }
}

class LabFixture implements LockManagerFixture {
  readonly #lab: Lab;
  readonly #own: string;
  readonly #members = new Map<LockMember, { remote: RemoteMember; pid: number }>();

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#own = 'conformance';
  }

  async start(node: number, lockspace = this.#own): Promise<LockMember> {
    const remote = new RemoteMember(this.#lab, node + 1, lockspace);
    const pid = await remote.opened();
    const member = memberOf(remote);
    this.#members.set(member, { remote, pid });
    return member;
  }

  async kill(member: LockMember): Promise<void> {
    const known = this.#members.get(member);
    if (known === undefined) throw new Error('this member was not started here');
    const guest = this.#lab.node(known.remote.node);
    const child = (await guest.exec(`pgrep -P ${known.pid}`)).stdout.trim();
    await guest.killProcess(known.pid);
    await waitUntil(async () => (await guest.attempt(`test -d /proc/${child}`)).code !== 0,
      { what: 'a killed child to end', timeoutMs: 10_000 });
  }

  powerOff(node: number): Promise<void> {
    return this.#lab.node(node + 1).powerOff();
  }

  freshName(): string {
    names += 1;
    return `name-${names}`;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members.values()].map(({ remote }) => remote.end()));
  }
}

let names = 0;
let lab: Lab | null = null;

test.before(async (t) => {
  t.timeout(900_000);
  lab = await startLab({ progress: (line) => t.log(line) });
  await lab.startCluster();
  await lab.deploy();
});

test.after.always(async () => {
  await lab?.stop();
});

// The case that cuts a node's power comes last: no other finds three nodes after it.
for (const { title, needs, run } of
  [...lockManagerCases].sort((a, b) => a.needs.length - b.needs.length)) {
  test.serial(`real: ${title}`, async (t) => {
    t.timeout(300_000);
    if (lab === null) throw new Error('there is no lab');
    const fixture = new LabFixture(lab);
    try {
      const { default: assert } = await import('node:assert/strict');
      const drawSeed = (): number => chooseSeed(t);
      await t.notThrowsAsync(run(fixture, assert, drawSeed), needs.join());
    } finally {
      await fixture.close();
    }
  });
}

function memberOf(remote: RemoteMember): LockMember {
  const call = async (name: string, args?: object): Promise<void> => {
    await remote.call(name, args);
  };
  return {
    blockings: () => Promise.resolve(remote.blockings),
    state: async () => await remote.call('state') as LockspaceState,
    lockspace: {
      take(request) {
        const id = remote.newId();
        return { id, granted: call('take', { ...request, id }) };
      },
      async adopt(request) {
        const id = remote.newId();
        await call('adopt', { ...request, id });
        return id;
      },
      convert: (id, request) => call('convert', { ...request, id }),
      cancel: (id) => call('cancel', { id }),
      unlock: (id) => call('unlock', { id }),
      localLocks: async () => await remote.call('localLocks') as LocalLock[],
      release: () => call('release'),
      close: () => call('close'),
    },
  };
}
