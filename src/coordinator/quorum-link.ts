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

  constructor(open: OpenQuorum, clock: Clock, dispatch: (event: CoreEvent) => void) {
    this.#open = open;
    this.#clock = clock;
    this.#dispatch = dispatch;
  }

  /** Runs until the signal is aborted; connects again, with growing pauses, whenever it is lost. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#clock);
    while (!signal.aborted) {
      try {
        const quorum = await this.#open();
        const lost = this.#attach(quorum, signal);
        await quorum.start();
        backoff.reset();
        const reason = await lost;
        if (reason !== null) this.#dispatch({ kind: 'quorum-away', reason });
        await quorum.close();
      } catch (error) {
        this.#dispatch({ kind: 'quorum-away', reason: messageOf(error) });
        this.#dispatch({ kind: 'start-waits', waitingFor: `corosync (${messageOf(error)})` });
      }
      await backoff.wait(signal);
    }
  }

  /** Resolves with the reason when the connection is lost, with null when the signal ends it. */
  #attach(quorum: Quorum, signal: AbortSignal): Promise<string | null> {
    quorum.on('quorum', ({ quorate, nodeIds }) => {
      this.#dispatch({ kind: 'quorum', quorate, nodeIds });
    });
    return new Promise((resolve) => {
      quorum.on('lost', (cause) => resolve(cause.message));
      if (signal.aborted) resolve(null);
      signal.addEventListener('abort', () => resolve(null), { once: true });
    });
  }
}
