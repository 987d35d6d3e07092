import type { Koffi } from '../native/koffi.js';
import type { NativeAddress, NativeMemory } from '../native/memory.js';

/** Bytes that one view shows: the largest message that corosync sends in one piece. */
const WINDOW_BYTES = 1_047_552;
/** How often the place may move; what moves more often is not worth looking at through a view. */
const MOVES_MAX = 32;

/**
 * Copies payloads out of a deliver callback.
 *
 * cpg_dispatch reads every message into one buffer on its stack, and koffi calls C on a stack of
 * its own, so that buffer nearly always lies at the same address. A view of it is made once, and
 * a copy through a view costs a tenth of a call of memcpy. The address is compared at every call;
 * elsewhere (a message that libcpg has put together of fragments, say) memcpy does it.
 *
 * Hazard: between callbacks the view shows a stack that is no longer in use. Nobody else gets it,
 * and it is read only within `copy`, and only as far as the message goes.
 */
export class DispatchWindow {
  readonly #koffi: Koffi;
  readonly #memory: NativeMemory;
  #address: NativeAddress | null = null;
  #view: Uint8Array = new Uint8Array(0);
  #moves = 0;

  constructor(koffi: Koffi, memory: NativeMemory) {
    this.#koffi = koffi;
    this.#memory = memory;
  }

  /** Gives a fresh copy; only to be called in the callback that was given the address. */
  copy(address: NativeAddress | null, bytes: number): Uint8Array {
    if (address !== this.#address) this.#move(address);
    if (address !== this.#address || bytes > this.#view.length) {
      return this.#memory.copyBytes(address, bytes);
    }
    // Small ones come from Node's pool, which costs nothing to zero or to collect.
    const copy = Buffer.allocUnsafe(bytes);
    copy.set(this.#view.subarray(0, bytes));
    return copy;
  }

  #move(address: NativeAddress | null): void {
    if (address === null || this.#moves >= MOVES_MAX) return;
    this.#moves += 1;
    this.#view = new Uint8Array(this.#koffi.view(address, WINDOW_BYTES));
    this.#address = address;
  }
}
