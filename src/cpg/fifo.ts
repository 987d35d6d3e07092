const CAPACITY_MIN = 16;

/**
 * A first-in-first-out queue in constant time, unlike Array's shift on long arrays. It grows as
 * needed and is bounded by whoever pushes.
 */
export class Fifo<Item> {
  /** A ring; its length is a power of two. Empty places hold undefined. */
  #ring: (Item | undefined)[] = new Array<undefined>(CAPACITY_MIN);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The item at `index`, counted from the oldest. */
  at(index: number): Item | undefined {
    if (index >= this.#length) return undefined;
    return this.#ring[(this.#first + index) & (this.#ring.length - 1)];
  }

  push(item: Item): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#length) & (this.#ring.length - 1)] = item;
    this.#length += 1;
  }

  /** Takes the oldest item out. */
  shift(): Item | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#first];
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#ring.length - 1);
    this.#length -= 1;
    return item;
  }

  /** Takes everything out, oldest first. */
  drain(): Item[] {
    const items: Item[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item);
    return items;
  }

  #grow(): void {
    const ring = new Array<Item | undefined>(this.#ring.length * 2);
    for (let index = 0; index < this.#length; index += 1) ring[index] = this.at(index);
    this.#ring = ring;
    this.#first = 0;
  }
}
