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
    const line = `${seconds(this.#started)} s (+${seconds(this.#last)})  ${what}`;
    this.#print(line);
    // Also at once: the test's own log is shown only when it has ended, minutes later.
    process.stderr.write(`  lab ${line}\n`);
    this.#last = now;
  }
}
