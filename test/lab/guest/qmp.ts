import { connect, type Socket } from 'node:net';

import { LabError } from '../host/error.js';
import { encodeQmp, QmpDecoder, type QmpMessage } from './qmp-codec.js';

const COMMAND_TIMEOUT_MS = 10_000;

interface Pending {
  readonly id: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: LabError) => void;
}

/** A conversation with the monitor of one QEMU. One command at a time is under way. */
export class Qmp {
  readonly #socket: Socket;
  readonly #decoder = new QmpDecoder();
  #pending: Pending | null = null;
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    socket.on('error', (cause) => this.#fail(`failed: ${cause.message}`));
    socket.on('close', () => this.#fail('was closed'));
  }

  /** Connects to a monitor's unix socket and agrees on the protocol. */
  static async open(path: string): Promise<Qmp> {
    const qmp = new Qmp(connect({ path }));
    try {
      // The answer to this one comes only after the greeting, which is therefore not waited for.
      await qmp.command('qmp_capabilities');
      return qmp;
    } catch (thrown) {
      qmp.close();
      throw thrown;
    }
  }

  /** Sends a command and gives what it returned. */
  async command(name: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.#pending !== null) {
      throw new LabError('BUSY', `the monitor still works on a command before ${name}`);
    }
    const id = this.#nextId++;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#pending = { id, resolve, reject };
        const late = `the monitor did not answer ${name} within ${COMMAND_TIMEOUT_MS} ms`;
        timer = setTimeout(() => reject(new LabError('TIMEOUT', late)), COMMAND_TIMEOUT_MS);
        this.#socket.write(encodeQmp(id, name, args));
      });
    } finally {
      clearTimeout(timer);
      this.#pending = null;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    let messages: QmpMessage[];
    try {
      messages = this.#decoder.push(text);
    } catch (thrown) {
      this.#fail(`cannot be understood: ${String(thrown)}`);
      this.#socket.destroy();
      return;
    }
    for (const message of messages) {
      if (message.kind !== 'return' && message.kind !== 'error') continue;
      if (message.id !== this.#pending?.id) continue;
      if (message.kind === 'return') this.#pending.resolve(message.value);
      else this.#pending.reject(new LabError('PROTOCOL', `the monitor refused: ${message.text}`));
    }
  }

  #fail(why: string): void {
    this.#pending?.reject(new LabError('UNREACHABLE', `the connection to QEMU's monitor ${why}`));
  }
}
