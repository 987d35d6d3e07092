import { EventEmitter } from 'eventemitter3';
import type { Quorum, QuorumError, QuorumEvents, QuorumState } from '../../../src/quorum/index.js';
import type { NetnsNode } from '../../netns/node.js';
import { Remote } from './remote.js';
import { fromWire, type WireError } from './wire.js';

/** The real quorum connection of a process inside a node, as if it were here. */
export class RemoteQuorum extends EventEmitter<QuorumEvents> implements Quorum {
  readonly #remote: Remote;

  private constructor(node: NetnsNode) {
    super();
    this.#remote = new Remote(node, (name, args) => {
      if (name === 'lostQuorum') this.emit('lost', fromWire(args[0] as WireError) as QuorumError);
      else this.emit(name as 'quorum', args[0] as QuorumState);
    });
  }

  /** Starts a process inside the node and opens a connection there. */
  static async open(node: NetnsNode): Promise<RemoteQuorum> {
    const quorum = new RemoteQuorum(node);
    try {
      await quorum.#remote.call('openQuorum');
      return quorum;
    } catch (thrown) {
      await quorum.kill();
      throw thrown;
    }
  }

  async start(): Promise<void> {
    await this.#remote.call('start');
  }

  async stop(): Promise<void> {
    await this.#remote.call('stopQuorum');
  }

  async isQuorate(): Promise<boolean> {
    return await this.#remote.call('isQuorate') as boolean;
  }

  async close(): Promise<void> {
    if (this.#remote.child.alive) await this.#remote.call('closeQuorum');
  }

  /** kill -9 of the process that has the connection. */
  kill(): Promise<void> {
    return this.#remote.kill();
  }
}
