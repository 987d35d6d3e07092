import { createInterface } from 'node:readline';

/** Longer than nearly any single command takes. */
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * A program on a node that obeys one command per line and answers each with a line of JSON. Both
 * sides of a comparison stay connected, so that they take turns within one round.
 */
export class Twin {
  #child;
  #name;
  #lines;
  #error = '';

  constructor(node, name, program, args) {
    this.#name = name;
    this.#child = node.spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.process.stderr.on('data', (chunk) => (this.#error += String(chunk)));
    this.#lines = createInterface({ input: this.#child.process.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid;
  }

  /** Waits until it has said that it is ready. */
  async ready() {
    await this.#line('ready');
    return this;
  }

  async ask(command, { timeoutMs = ANSWER_TIMEOUT_MS } = {}) {
    this.#child.process.stdin.write(`${command}\n`);
    return await this.#line(command, timeoutMs);
  }

  /** Ends it as a user would, by its stdin, so that it may still write a profile. */
  async finish() {
    this.#child.process.stdin.end();
    await this.#child.ended();
  }

  async end() {
    await this.#child.end();
  }

  async #line(command, timeoutMs = ANSWER_TIMEOUT_MS) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve({ done: true }), timeoutMs);
    });
    const { value, done } = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (done) {
      const { ending } = this.#child;
      throw new Error(`${this.#name} did not answer "${command}": ${ending}\n${this.#error}`);
    }
    return JSON.parse(value);
  }
}
