/** The frames that were sent and whose own copy has not come back. */
export class Window {
  readonly #framesMax: number;
  readonly #bytesMax: number;
  #frames = 0;
  #bytes = 0;

  constructor(framesMax: number, bytesMax: number) {
    this.#framesMax = framesMax;
    this.#bytesMax = bytesMax;
  }

  /** A frame that is alone may be of any size. */
  hasRoom(bytes: number): boolean {
    if (this.#frames === 0) return true;
    return this.#frames < this.#framesMax && this.#bytes + bytes <= this.#bytesMax;
  }

  sent(bytes: number): void {
    this.#frames += 1;
    this.#bytes += bytes;
  }

  landed(bytes: number): void {
    this.#frames -= 1;
    this.#bytes -= bytes;
  }
}
