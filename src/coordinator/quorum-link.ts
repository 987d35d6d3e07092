import { messageOf } from '../errors.js';
import type { Clock } from '../clock.js';
import type { OpenQuorum, Quorum } from '../quorum/index.js';
import { Backoff } from './backoff.js';
import type { CoreEvent } from './core/event.js';

/** Keeps a connection to the quorum service for as long as the coordinator runs. */
export class QuorumLink {
  readonly #open: OpenQuorum;
  readonly #clock: Clock;
  readonly #dispatch: (event: CoreEvent) => void;
  #obstacle: string | null = 'corosync to answer';

  constructor(open: OpenQuorum, clock: Clock, dispatch: (event: CoreEvent) => void) {
    this.#open = open;
    this.#clock = clock;
    this.#dispatch = dispatch;
  }

  /** What keeps this node from quorum, and what to do; null while it is quorate. */
  get obstacle(): string | null {
    return this.#obstacle;
  }

  /** Runs until the signal is aborted; connects again, with growing pauses, whenever it is lost. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#clock);
    while (!signal.aborted) {
      try {
        await this.#serve(signal, backoff);
      } catch (error) {
        this.#away(messageOf(error));
      }
      await backoff.wait(signal);
    }
  }

  async #serve(signal: AbortSignal, backoff: Backoff): Promise<void> {
    const quorum = await this.#open();
    try {
      const lost = this.#attach(quorum, signal);
      await quorum.start();
      backoff.reset();
      const reason = await lost;
      if (reason !== null) this.#away(reason);
    } finally {
      await quorum.close();
    }
  }

  #away(reason: string): void {
    this.#obstacle = `corosync (${reason})`;
    this.#dispatch({ kind: 'quorum-away', reason });
  }

  /** Resolves with the reason when the connection is lost, with null when the signal ends it. */
  #attach(quorum: Quorum, signal: AbortSignal): Promise<string | null> {
    quorum.on('quorum', ({ quorate, nodeIds, ring }) => {
      this.#obstacle = quorate ? null : noQuorum(nodeIds);
      this.#dispatch({ kind: 'quorum', quorate, nodeIds, ring });
    });
    return new Promise((resolve) => {
      const end = (): void => resolve(null);
      quorum.on('lost', (cause) => {
        signal.removeEventListener('abort', end);
        resolve(cause.message);
      });
      if (signal.aborted) end();
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

function noQuorum(nodeIds: readonly number[]): string {
  const here = `of the nodes only ${nodeIds.join(', ')} ${nodeIds.length === 1 ? 'is' : 'are'} here`;
  return `quorum (${here}; start corosync on the others, or mend the network between them)`;
}
