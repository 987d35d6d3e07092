import type { Clock } from '../../clock.js';
import { IsolatingEmitter } from '../../native/emitter.js';
import {
  QuorumError, type NodeListChange, type Quorum, type QuorumEvents,
} from '../../quorum/index.js';
import { Mailbox } from '../mailbox.js';
import type { QuorumClient } from './corosync.js';
import type { Network } from './network.js';
import type { Ring } from './ring.js';

/** The embedded side of the Quorum port: one connection of one embedded process. */
export class EmbeddedQuorum extends IsolatingEmitter<QuorumEvents> implements Quorum, QuorumClient {
  readonly #network: Network;
  readonly #nodeId: number;
  readonly #mailbox: Mailbox;
  #state: 'open' | 'started' | 'LOST' | 'CLOSED' = 'open';
  /** A letter of an earlier tracking is no news of this one. */
  #starts = 0;

  constructor(
    nodeId: number, modules: { readonly clock: Clock; readonly network: Network },
  ) {
    super();
    this.#nodeId = nodeId;
    this.#network = modules.network;
    this.#mailbox = new Mailbox(modules.clock, () => modules.network.deliveryDelayMs());
    modules.network.corosync(nodeId).quorumClients.add(this);
  }

  start(): Promise<void> {
    const refusal = this.#refusal('start');
    if (refusal !== null) return Promise.reject(refusal);
    const { ring, quorate } = this.#network.corosync(this.#nodeId);
    if (this.#state === 'open' && ring !== null) {
      this.#state = 'started';
      this.#starts += 1;
      const { id, nodeIds } = ring;
      this.deliver(quorate, ring, { ring: id, members: nodeIds, joined: [], left: [] });
    }
    return Promise.resolve();
  }

  stop(): Promise<void> {
    const refusal = this.#refusal('stop');
    if (refusal !== null) return Promise.reject(refusal);
    this.#state = 'open';
    return Promise.resolve();
  }

  isQuorate(): Promise<boolean> {
    const refusal = this.#refusal('isQuorate');
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve) => {
      const { quorate } = this.#network.corosync(this.#nodeId);
      this.#mailbox.post(() => resolve(quorate));
    });
  }

  close(): Promise<void> {
    this.disconnect();
    return Promise.resolve();
  }

  /** The connection goes away: by close, or because the process has died. */
  disconnect(): void {
    this.#network.corosync(this.#nodeId).quorumClients.delete(this);
    if (this.#state !== 'LOST') this.#state = 'CLOSED';
    this.#mailbox.close();
  }

  deliver(quorate: boolean, ring: Ring, change: NodeListChange): void {
    if (this.#state !== 'started') return;
    const { id, nodeIds } = ring;
    const start = this.#starts;
    const tell = (letter: () => void): void => this.#mailbox.post(() => {
      if (this.#state === 'started' && this.#starts === start) letter();
    });
    tell(() => this.emit('nodelist', change));
    tell(() => this.emit('quorum', { quorate, ring: id, nodeIds }));
  }

  lose(): void {
    this.#mailbox.post(() => {
      if (this.#state === 'CLOSED') return;
      this.#state = 'LOST';
      const text = 'the connection to the quorum service is gone; open a new one once corosync runs';
      this.emit('lost', new QuorumError('LOST', 'dispatch', text));
    });
  }
  #refusal(operation: string): QuorumError | null {
    if (this.#state !== 'LOST' && this.#state !== 'CLOSED') return null;
    const text = `${operation}: the connection to the quorum service is gone; open a new one`;
    return new QuorumError(this.#state, operation, text, { retryable: this.#state === 'LOST' });
  }
}
