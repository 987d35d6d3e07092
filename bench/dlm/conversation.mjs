import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** No answer takes longer: a round is seconds. */
const ANSWER_MS_MAX = 120_000;

/** A program that answers each line with one line of JSON. */
export class Conversation {
  #child;
  #lines;

  /** The program's stderr is ours. */
  constructor(program, args, options = {}) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Sends a line; what comes back, parsed. With null nothing is sent. */
  async ask(line) {
    if (line !== null) this.#child.stdin.write(`${line}\n`);
    const late = new AbortController();
    const answer = await Promise.race([this.#lines.next(), lateness(late.signal)]);
    late.abort();
    if (answer.done) throw new Error(`${this.#child.spawnargs.join(' ')} ended after: ${line}`);
    return JSON.parse(answer.value);
  }

  /** Ends it by the end of its input, or by SIGKILL. */
  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await exit;
    clearTimeout(kill);
  }
}

function lateness(signal) {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no answer for ${ANSWER_MS_MAX / 1_000} s`));
    }, ANSWER_MS_MAX);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}
