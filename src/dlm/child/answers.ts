import { EAGAIN } from '../constants.js';
import { allocate, EINTR, F_GETFL, F_SETFL, O_NONBLOCK, type LibC } from '../libc.js';

/**
 * What a lock is given as the addresses of its completion and blocking callbacks. The kernel only
 * hands them back with its answers, by which the two are told apart; nobody ever calls them. So
 * `dlm_dispatch`, which would, must never run in this process.
 */
export const COMPLETION_TOKEN = 1;
export const BLOCKING_TOKEN = 2;

/** `struct dlm_lock_result` on 64-bit machines: its fields as words, its size in bytes. */
export const RESULT_BYTES = 72;
export const LENGTH_WORD = 3;
export const TOKEN_WORD = 4;
export const PARAMETER_WORD = 6;
export const STATUS_WORD = 10;
export const STATUS_FLAGS_BYTE = 48;
export const BLOCKED_MODE_BYTE = 64;
export const VALUE_OFFSET_WORD = 17;
const VALUE_BYTES = 32;

/** DLM_DEVICE_VERSION_MAJOR: the layout above. */
export const DEVICE_VERSION = 6;

/**
 * Reads the kernel's answers from the lockspace's file descriptor, one by one, where they are
 * decoded in place. libdlm's dlm_dispatch does the same and then calls into C function pointers
 * and writes to the status block of the lock; a call back into JavaScript costs more than all the
 * rest, it hides which mode a blocked request asked for, and a status block that the kernel's
 * answer still points to would have to stay valid. So requests go through libdlm, answers do not.
 *
 * @see linux/dlm_device.h, struct dlm_lock_result; fs/dlm/user.c, device_read
 */
export class Answers {
  readonly #libc: LibC;
  readonly #fd: number;
  readonly #address: number;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;

  /** Takes the descriptor of an open lockspace and makes it non-blocking. */
  constructor(libc: LibC, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
    const { address, bytes } = memory ??= allocate(RESULT_BYTES + VALUE_BYTES);
    this.#address = address;
    this.#words = new Uint32Array(bytes);
    this.#bytes = new Uint8Array(bytes);
    const flags = libc.fcntl(fd, F_GETFL, 0);
    if (flags < 0 || libc.fcntl(fd, F_SETFL, flags | O_NONBLOCK) !== 0) {
      throw new Error(`the lockspace's descriptor cannot be set up: errno ${libc.errno()}`);
    }
  }

  /** Reads the next answer, which the getters show until the next one; false for none (yet). */
  next(): boolean {
    const length = this.#libc.read(this.#fd, this.#address, RESULT_BYTES + VALUE_BYTES);
    if (length >= RESULT_BYTES) {
      if (this.#words[0] !== DEVICE_VERSION || this.#words[LENGTH_WORD] !== length) {
        throw new Error(`the kernel answers in version ${this.#words[0]} with `
          + `${this.#words[LENGTH_WORD]} bytes, of which ${length} came; known is ${DEVICE_VERSION}`);
      }
      return true;
    }
    if (length < 0) {
      const errno = this.#libc.errno();
      if (errno === EAGAIN || errno === EINTR) {
        return false;
      }
      throw new Error(`the kernel's answers cannot be read: errno ${errno}`);
    }
    throw new Error(`the kernel gave an answer of ${length} bytes instead of ${RESULT_BYTES}`);
  }

  /** Whether it is a blocking notice; otherwise a completion. */
  get blocking(): boolean {
    return this.#words[TOKEN_WORD] === BLOCKING_TOKEN;
  }

  /** The number that the lock was given (`astarg`). */
  get id(): number {
    return (this.#words[PARAMETER_WORD] as number)
      + (this.#words[PARAMETER_WORD + 1] as number) * 2 ** 32;
  }

  /** A positive errno or DLM status; the kernel's own sign is the other one. */
  get status(): number {
    return -((this.#words[STATUS_WORD] as number) | 0);
  }

  /** DLM_SBF bits. */
  get statusFlags(): number {
    return this.#bytes[STATUS_FLAGS_BYTE] as number;
  }

  /** By number, the mode that somebody waits for; only of a blocking notice. */
  get blockedMode(): number {
    return this.#bytes[BLOCKED_MODE_BYTE] as number;
  }

  /** A copy of the lock value block that came along; null when none did. */
  get value(): Uint8Array | null {
    const offset = this.#words[VALUE_OFFSET_WORD] as number;
    return offset === RESULT_BYTES ? this.#bytes.slice(offset, offset + VALUE_BYTES) : null;
  }
}

/** One child reads from one lockspace at a time, and never in the middle of another answer. */
let memory: ReturnType<typeof allocate> | null = null;
