import { LKSB_BYTES, LKSB_LKID_OFFSET, VALUE_BYTES } from '../constants.js';
import { allocate } from '../libc.js';

/** A status block of C and its lock value block lie in one slot, on a cache line of their own. */
const SLOT_BYTES = 64;
const VALUE_OFFSET = 32;
const LKSB_VALUE_POINTER_OFFSET = 16;

/** Slots that are allocated at once. */
const SLAB_SLOTS = 1_024;

/** Most locks of one child; a take beyond is refused. 16 MiB of slots. */
export const SLOTS_MAX = 1 << 18;

interface Slab {
  readonly address: number;
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
}

/**
 * The status blocks (`struct dlm_lksb`) of all locks, in memory that never moves: libdlm and the
 * kernel are given their addresses. A slot is given out again only after `release`, which must not
 * be called while the kernel may still answer for its lock: the kernel's answers carry the address.
 *
 * Slabs are kept: what was needed once will be needed again.
 */
export class StatusArena {
  readonly #slabs: Slab[] = [];
  readonly #free: number[] = [];
  #slots = 0;
  #used = 0;

  /** How many slots are given out. */
  get used(): number {
    return this.#used;
  }

  /** A zeroed slot, or null when there are SLOTS_MAX already. */
  acquire(): number | null {
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#slots >= SLOTS_MAX) {
        return null;
      }
      if (this.#slots === this.#slabs.length * SLAB_SLOTS) {
        this.#grow();
      }
      slot = this.#slots;
      this.#slots += 1;
    }
    this.#used += 1;
    this.#clear(slot);
    return slot;
  }

  release(slot: number): void {
    this.#free.push(slot);
    this.#used -= 1;
  }

  /** The address of the slot's `struct dlm_lksb`. */
  address(slot: number): number {
    return this.#slab(slot).address + (slot % SLAB_SLOTS) * SLOT_BYTES;
  }

  /** `sb_lkid`, which libdlm writes during the call that makes the lock. */
  lkid(slot: number): number {
    const { words } = this.#slab(slot);
    return words[((slot % SLAB_SLOTS) * SLOT_BYTES + LKSB_LKID_OFFSET) >> 2] as number;
  }

  /** The lock value block that `sb_lvbptr` points to: a view, which lives as long as the slot. */
  value(slot: number): Uint8Array {
    const start = (slot % SLAB_SLOTS) * SLOT_BYTES + VALUE_OFFSET;
    return this.#slab(slot).bytes.subarray(start, start + VALUE_BYTES);
  }

  #slab(slot: number): Slab {
    return this.#slabs[Math.floor(slot / SLAB_SLOTS)] as Slab;
  }

  #grow(): void {
    const { address, bytes } = allocate(SLAB_SLOTS * SLOT_BYTES);
    this.#slabs.push({ address, words: new Uint32Array(bytes), bytes: new Uint8Array(bytes) });
  }

  #clear(slot: number): void {
    const { address, words } = this.#slab(slot);
    const start = (slot % SLAB_SLOTS) * SLOT_BYTES;
    words.fill(0, start >> 2, (start + SLOT_BYTES) >> 2);
    const pointer = address + start + VALUE_OFFSET;
    words[(start + LKSB_VALUE_POINTER_OFFSET) >> 2] = pointer % 2 ** 32;
    words[((start + LKSB_VALUE_POINTER_OFFSET) >> 2) + 1] = Math.floor(pointer / 2 ** 32);
  }
}

/** Checked once, when the module is loaded: the slot's layout depends on it. */
if (LKSB_BYTES > VALUE_OFFSET || VALUE_OFFSET + VALUE_BYTES > SLOT_BYTES) {
  throw new Error('a status block does not fit into its slot');
}
