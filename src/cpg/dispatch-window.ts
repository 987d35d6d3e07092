import type { Koffi } from '../native/koffi.js';
import type { NativeAddress, NativeMemory } from '../native/memory.js';

/** Bytes that one view shows: the largest message that corosync sends in one piece. */
const WINDOW_BYTES = 1_047_552;
/** How often the place may move; what moves more often is not worth looking at through a view. */
const MOVES_MAX = 32;

/**
 * Reads payloads in a deliver callback.
 *
 * cpg_dispatch reads every message into one buffer on its stack, and koffi calls C on a stack of
 * its own, so that buffer nearly always lies at the same address. A view of it is made once, and
 * reading through a view costs a tenth of a call of memcpy. The address is compared at every call;
 * elsewhere (a message that libcpg has put together of fragments, say) memcpy does it.
 *
 * Hazard: between callbacks the view shows a stack that is no longer in use, so nobody may keep
 * what `look` gives, and nothing is read beyond the end of the message.
 */
export class DispatchWindow {
  readonly #koffi: Koffi;
  readonly #memory: NativeMemory;
  #address: NativeAddress | null = null;
  #view: Uint8Array = new Uint8Array(0);
  /** The part of the view that was looked at last: messages of one size often come in a row. */
  #part: Uint8Array = new Uint8Array(0);
  #moves = 0;

  constructor(koffi: Koffi, memory: NativeMemory) {
    this.#koffi = koffi;
    this.#memory = memory;
  }

  /** The message itself, in C memory, until the callback ends; null when it is elsewhere. */
  look(address: NativeAddress | null, bytes: number): Uint8Array | null {
    if (address !== this.#address) this.#move(address);
    if (address !== this.#address || bytes > this.#view.length) return null;
    if (this.#part.length !== bytes) this.#part = this.#view.subarray(0, bytes);
    return this.#part;
  }

  /** A fresh copy of the message. */
  copy(address: NativeAddress | null, bytes: number): Uint8Array {
    const part = this.look(address, bytes);
    if (part === null) return this.#memory.copyBytes(address, bytes);
    // Small ones come from Node's pool, which costs nothing to zero or to collect.
    const copy = Buffer.allocUnsafe(bytes);
    copy.set(part);
    return copy;
  }

  #move(address: NativeAddress | null): void {
    if (address === null || this.#moves >= MOVES_MAX) return;
    this.#moves += 1;
    this.#view = new Uint8Array(this.#koffi.view(address, WINDOW_BYTES));
    this.#part = this.#view;
    this.#address = address;
  }
}
