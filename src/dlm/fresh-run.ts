/**
 * Shares runs of one question among many callers without ever handing out an old answer: a caller
 * gets a run that began after its call. While a run is under way, all later callers share the next
 * one, so that at most one is running and one is due, however many ask.
 */
export class FreshRun<T> {
  readonly #run: () => Promise<T>;
  #current: Promise<T> | null = null;
  #next: Promise<T> | null = null;

  constructor(run: () => Promise<T>) {
    this.#run = run;
  }

  ask(): Promise<T> {
    if (this.#next !== null) {
      return this.#next;
    }
    if (this.#current === null) {
      return this.#start();
    }
    this.#next = this.#current.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<T> {
    this.#next = null;
    const running = this.#run();
    const settled = (): void => {
      if (this.#current === running) {
        this.#current = null;
      }
    };
    this.#current = running;
    running.then(settled, settled);
    return running;
  }
}
