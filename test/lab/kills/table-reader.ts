import { spawn, type ChildProcess } from 'node:child_process';

import type { TableSource } from './kernel-watch.js';

const TABLE = '/sys/kernel/debug/dlm/holdfast_locks';
const ANSWER_MS_MAX = 30_000;

/** Reads the table over one ssh connection: starting one for each look would cost more. */
export class TableReader implements TableSource {
  readonly #ssh: ChildProcess;
  #text = '';
  #settle: { resolve: (text: string) => void; reject: (reason: Error) => void } | null = null;

  constructor(sshWords: readonly string[]) {
    const [program = 'ssh', ...words] = sshWords;
    const script = `while read -r _; do cat ${TABLE}; echo END; done`;
    this.#ssh = spawn(program, [...words, script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ssh.stdout?.setEncoding('utf8');
    this.#ssh.stdout?.on('data', (chunk: string) => this.#receive(chunk));
    // A pipe that breaks is told by the end of ssh, which is what counts.
    this.#ssh.stdin?.on('error', () => this.#ssh.kill());
    this.#ssh.once('error', (cause) => this.#settle?.reject(cause));
    this.#ssh.once('exit', () => this.#settle?.reject(new Error('ssh to read the table has ended')));
  }

  async read(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#settle = { resolve, reject };
        timer = setTimeout(() => reject(new Error('the table did not come')), ANSWER_MS_MAX);
        if (this.#ssh.exitCode !== null) reject(new Error('ssh to read the table has ended'));
        this.#ssh.stdin?.write('\n');
      });
    } finally {
      clearTimeout(timer);
      this.#settle = null;
    }
  }

  close(): void {
    this.#ssh.kill('SIGKILL');
  }

  #receive(chunk: string): void {
    this.#text += chunk;
    if (!this.#text.endsWith('END\n')) return;
    const table = this.#text.slice(0, -'END\n'.length);
    this.#text = '';
    this.#settle?.resolve(table);
  }
}
