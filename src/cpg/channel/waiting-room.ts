import type { CpgError } from '../error.js';
import { tooManyWait } from './errors.js';
import type { Settler } from './settler.js';

/** What the messages wait for. */
export interface Doorway {
  readonly hasRoom: boolean;
  take(payload: Uint8Array, settler: Settler | null): void;
}

interface Waiting extends Settler {
  /** Null: it only wants to know that there is room. */
  readonly payload: Uint8Array | null;
  readonly until: 'taken' | 'echoed';
}

/** Those who wait until a message may be sent, in the order in which they came. Bounded. */
export class WaitingRoom {
  readonly #countMax: number;
  #waiting: Waiting[] = [];
  #isAdmitting = false;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Gives the message to the door, now or when it is its turn. */
  enter(
    door: Doorway | null, operation: string, { payload, until }: Omit<Waiting, keyof Settler>,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry: Waiting = { payload, until, resolve, reject };
      if (this.isEmpty && door?.hasRoom === true) return admit(door, entry);
      const { length } = this.#waiting;
      if (length >= this.#countMax) return reject(tooManyWait(operation, length));
      this.#waiting.push(entry);
    });
  }

  /** Lets in as many as there is room for. Within itself it does nothing: order comes first. */
  admit(door: Doorway): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    while (door.hasRoom) {
      const entry = this.#waiting.shift();
      if (entry === undefined) break;
      admit(door, entry);
    }
    this.#isAdmitting = false;
  }

  /** Turns everybody away. */
  reject(cause: CpgError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(cause);
  }
}

function admit(door: Doorway, { payload, until, resolve, reject }: Waiting): void {
  if (payload !== null) door.take(payload, until === 'echoed' ? { resolve, reject } : null);
  if (payload === null || until === 'taken') resolve();
}
