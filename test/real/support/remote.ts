import type { ForkOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BoundChild, BoundChildOptions } from '../../lab/host/bound-child.js';
import type { NetnsNode } from '../../netns/node.js';
import { fromWire, type Reply } from './wire.js';

const AGENT = 'agent.js';

/** Structured clone instead of JSON, for bigint and bytes. */
const OPTIONS: BoundChildOptions & Pick<ForkOptions, 'serialization'> = {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  env: process.env,
  serialization: 'advanced',
};

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/** A process inside a node that does calls for the test. It dies with the node or by `kill`. */
export class Remote {
  readonly child: BoundChild;
  readonly #event: (name: string, args: readonly unknown[]) => void;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  /** `agent` is the module in this folder that the process runs. */
  constructor(
    node: NetnsNode, event: (name: string, args: readonly unknown[]) => void, agent = AGENT,
  ) {
    this.#event = event;
    const module = fileURLToPath(new URL(agent, import.meta.url));
    this.child = node.spawn(process.execPath, [module], OPTIONS);
    this.child.process.on('message', (message) => this.#take(message as Reply));
    this.child.process.once('exit', () => this.#fail('the agent has ended'));
  }

  get pid(): number {
    return this.child.pid;
  }

  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    if (!this.child.alive) return Promise.reject(new Error('the agent has ended'));
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.child.process.send({ id, call: name, args });
    });
  }

  /** kill -9, as a crash. */
  kill(): Promise<void> {
    return this.child.end();
  }

  #take(reply: Reply): void {
    if (reply.kind === 'event') return this.#event(reply.name, reply.args);
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.kind === 'done') waiting?.resolve(reply.value);
    else waiting?.reject(fromWire(reply.error));
  }

  #fail(text: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(text));
    this.#waiting.clear();
  }
}
