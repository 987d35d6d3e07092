import { CS_ERR_TRY_AGAIN, CS_OK } from '../native/corotypes.js';
import { IsolatingEmitter } from '../native/emitter.js';
import type { QuorumConnection, QuorumEvent } from './connection.js';
import { QuorumError } from './error.js';
import type { Quorum, QuorumEvents } from './port.js';
import { check, errorOf } from './status.js';

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'tracking' }
  | { readonly kind: 'closed'; readonly cause: QuorumError };

/** Tracks quorum and the node list over one raw connection. Start it once. */
export class QuorumTracker extends IsolatingEmitter<QuorumEvents> implements Quorum {
  readonly #connection: QuorumConnection;
  #state: State = { kind: 'open' };

  constructor(connection: QuorumConnection) {
    super();
    this.#connection = connection;
    connection.watch(() => this.#readable(), (cause) => {
      if (this.#closedBy() === null) this.#lose(broken(cause));
    });
  }

  /**
   * open -> tracking. Rejects with `LOST` or `CLOSED` on a closed tracker, and with what
   * corosync answered; close it then.
   */
  async start(): Promise<void> {
    this.#checkOpen('start');
    if (this.#state.kind === 'tracking') return;
    this.#state = { kind: 'tracking' };
    const status = await this.#connection.track();
    this.#checkOpen('start');
    check('quorum_trackstart', status);
  }

  /** tracking -> open. Rejects as `start` does. */
  async stop(): Promise<void> {
    this.#checkOpen('stop');
    if (this.#state.kind === 'open') return;
    this.#state = { kind: 'open' };
    const status = await this.#connection.untrack();
    this.#checkOpen('stop');
    check('quorum_trackstop', status);
  }

  async isQuorate(): Promise<boolean> {
    this.#checkOpen('isQuorate');
    const { status, quorate } = await this.#connection.quorate();
    this.#checkOpen('isQuorate');
    check('quorum_getquorate', status);
    return quorate;
  }

  async close(): Promise<void> {
    if (this.#state.kind !== 'closed') {
      const text = 'the connection was closed; open a new one';
      this.#state = { kind: 'closed', cause: new QuorumError('CLOSED', 'close', text) };
    }
    await this.#connection.close();
  }

  #closedBy(): QuorumError | null {
    return this.#state.kind === 'closed' ? this.#state.cause : null;
  }

  #checkOpen(operation: string): void {
    const cause = this.#closedBy();
    if (cause !== null) throw refusal(operation, cause);
  }

  /** Everything at once: quorum changes are rare and small, unlike messages. */
  #readable(): void {
    const status = this.#connection.dispatch();
    for (const event of this.#connection.take()) {
      if (this.#closedBy() !== null) return;
      this.#handle(event);
    }
    if (this.#closedBy() !== null) return;
    if (status !== CS_OK && status !== CS_ERR_TRY_AGAIN) this.#lose(lost(status));
  }

  #handle(event: QuorumEvent): void {
    // After a stop, what was under way is no news of the tracking that may begin next.
    const tracking = this.#state.kind === 'tracking';
    switch (event.kind) {
      case 'quorum':
        if (tracking) this.emit('quorum', event.state);
        return;
      case 'nodelist':
        if (tracking) this.emit('nodelist', event.change);
        return;
      case 'broken':
        return this.#lose(broken(event.cause));
      default:
        event satisfies never;
    }
  }

  /** any -> closed, by corosync. */
  #lose(cause: QuorumError): void {
    this.#state = { kind: 'closed', cause };
    // Its outcome is kept for whoever calls close(); a failure there must not go unseen.
    this.#connection.close().catch((thrown: unknown) => {
      queueMicrotask(() => {
        throw thrown;
      });
    });
    this.emit('lost', cause);
  }
}

function refusal(operation: string, cause: QuorumError): QuorumError {
  return new QuorumError(cause.code, operation, `${operation}: ${cause.message}`, {
    cause, retryable: cause.retryable,
  });
}

function lost(status: number): QuorumError {
  const text =
    'the connection to corosync is gone (corosync died, or dropped this client); ' +
    'open a new one once corosync runs';
  return new QuorumError('LOST', 'quorum_dispatch', text, {
    status, retryable: true, cause: errorOf('quorum_dispatch', status),
  });
}

function broken(cause: unknown): QuorumError {
  const text = 'an event of corosync could not be read; open a new connection';
  return new QuorumError('LOST', 'quorum_dispatch', text, { cause, retryable: true });
}
