/** When things happened, in seconds since the start and since the event before. */
export class Timeline {
  readonly #print: (line: string) => void;
  readonly #started = performance.now();
  #last = this.#started;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  mark(what: string): void {
    const now = performance.now();
    const seconds = (from: number): string => ((now - from) / 1000).toFixed(1).padStart(6);
    this.#print(`${seconds(this.#started)} s (+${seconds(this.#last)})  ${what}`);
    this.#last = now;
  }
}
