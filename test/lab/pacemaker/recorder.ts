import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** One life of a stand-in on a node, by the clock of the host. */
export interface Life {
  readonly name: string;
  readonly node: string;
  readonly id: string;
  readonly firstMs: number;
  lastMs: number;
}

/**
 * Hears every stand-in that runs, on whichever node, and notes when: it shares nothing with the
 * product or Pacemaker. A machine that stands still says nothing, and one that is off neither.
 */
export class Recorder {
  readonly lives: Life[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(): Promise<Recorder> {
    const recorder = new Recorder();
    await new Promise<void>((resolve, reject) => {
      recorder.#server.once('error', reject);
      recorder.#server.listen(0, '127.0.0.1', resolve);
    });
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A stand-in says that it runs. */
  hear(line: string, nowMs: number): void {
    const [name, node, id] = line.split(' ');
    if (name === undefined || node === undefined || id === undefined) return;
    const known = this.lives.find((life) => life.id === id);
    if (known !== undefined) known.lastMs = nowMs;
    else this.lives.push({ name, node, id, firstMs: nowMs, lastMs: nowMs });
  }

  /** The last life of that stand-in that began. */
  latest(name: string): Life | undefined {
    return this.lives.filter((life) => life.name === name).at(-1);
  }

  /** Each pair of lives of one stand-in that were there at the same time; empty when it is well. */
  get overlaps(): readonly string[] {
    return this.lives.flatMap((one, index) => this.lives.slice(index + 1)
      .filter((other) => other.name === one.name
        && other.firstMs <= one.lastMs && one.firstMs <= other.lastMs)
      .map((other) => `${one.name} ran on ${one.node} until ${Math.round(one.lastMs)} ms and on ` +
        `${other.node} from ${Math.round(other.firstMs)} ms on`));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    createInterface({ input: socket }).on('line', (line) => this.hear(line, performance.now()));
  }
}
