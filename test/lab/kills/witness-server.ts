import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { Witness, type Holding } from './witness.js';

/** What a load program counted until it had let go of everything. */
export type Tally = Readonly<Record<string, number>>;

type Word =
  | { readonly op: 'hello'; readonly node: number }
  | ({ readonly op: 'begin'; readonly n: number } & Holding)
  | { readonly op: 'end'; readonly n: number; readonly owner: string; readonly resource: string }
  | { readonly op: 'complain'; readonly text: string }
  | { readonly op: 'drained'; readonly tally: Tally };

interface Client {
  readonly node: number;
  readonly socket: Socket;
  readonly drained: Promise<Tally>;
}

/** The witness as the load programs reach it: a port of the host, a line of JSON a word. */
export class WitnessServer {
  readonly witness: Witness;
  readonly #server: Server;
  readonly #clients = new Map<number, Client>();
  readonly #sockets = new Set<Socket>();

  private constructor(say: (violation: string) => void) {
    this.witness = new Witness(say);
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** `say` hears of each violation at once. */
  static async start(say: (violation: string) => void): Promise<WitnessServer> {
    const server = new WitnessServer(say);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The nodes whose load program is connected. */
  get nodes(): readonly number[] {
    return [...this.#clients.keys()];
  }

  /** Has the owners of a node let go of everything; resolves with what they counted. */
  async drain(node: number): Promise<Tally> {
    const client = this.#clients.get(node);
    if (client === undefined) throw new Error(`no load program of node ${node} is connected`);
    client.socket.write(`${JSON.stringify({ op: 'drain' })}\n`);
    return client.drained;
  }

  /** The machine was proved dead, its program with it. */
  nodeDied(node: number): void {
    this.#clients.delete(node);
    this.witness.nodeDied(node);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let node = 0;
    let finish: (tally: Tally) => void = () => undefined;
    let fail: (reason: Error) => void = () => undefined;
    this.#sockets.add(socket);
    socket.on('error', (cause) => fail(cause));
    socket.on('close', () => {
      this.#sockets.delete(socket);
      fail(new Error(`the load program of node ${node} has gone`));
    });
    createInterface({ input: socket }).on('line', (line) => {
      const word = JSON.parse(line) as Word;
      if (word.op === 'hello') {
        node = word.node;
        const drained = new Promise<Tally>((resolve, reject) => {
          finish = resolve;
          fail = reject;
        });
        // Whoever drains hears of it; without one a reset machine's end is no news.
        drained.catch(() => undefined);
        this.#clients.set(node, { node, socket, drained });
      } else if (word.op === 'drained') {
        this.#clients.delete(node);
        finish(word.tally);
      } else this.#note(word, socket);
    });
  }

  #note(word: Exclude<Word, { op: 'hello' | 'drained' }>, socket: Socket): void {
    if (word.op === 'complain') {
      this.witness.complain(word.text);
      return;
    }
    if (word.op === 'begin') {
      const { node, owner, resource, mode, generation = null } = word;
      this.witness.begin({ node, owner, resource, mode, generation });
    } else this.witness.end(word.owner, word.resource);
    socket.write(`${JSON.stringify({ n: word.n })}\n`);
  }
}
