import koffi from 'koffi';
import type { FrameSocket } from '../frame-socket.js';
import { allocate, type LibC } from '../libc.js';
import type { Reply, Request } from '../protocol.js';

/**
 * After work was done the loop waits so long for more in poll(2) itself, before it goes back to
 * Node's event loop. The way through that costs several times what a lock call does.
 */
export const LINGER_MS = 20;

/** So many turns at most before Node's own loop gets its turn, for timers and signals. */
export const TURNS_MAX = 256;

/** How soon a full socket is tried again while timers run. */
const FULL_RETRY_MS = 1;

/** With so many replies unread the child takes no further requests and answers. */
export const UNREAD_REPLIES_MAX = 4_096;

/** @see poll(2); a struct pollfd is an int and two shorts. */
const POLLIN = 1;
const POLLOUT = 4;
const POLLFD_BYTES = 8;

type PollHandle = ReturnType<typeof koffi.node.poll>;

/** The open lockspace, as the loop sees it. */
export interface Device {
  readonly fd: number;
  /** Handles the kernel's answers that have come, up to a bound. */
  readonly drain: () => void;
}

/** Which descriptors have something. */
interface Ready {
  readonly socket: boolean;
  readonly device: boolean;
}

export interface ChildLoopModules {
  readonly libc: LibC;
  readonly socket: FrameSocket<Reply, Request>;
  readonly socketFd: number;
  /** The parent is gone; the kernel's answers are still handled. */
  readonly onEnd: () => void;
  readonly onFault: (fault: unknown) => void;
}

/**
 * The child's turns: requests in, the kernel's answers in, replies out in one piece. It runs on
 * Node's event loop while nothing happens and for what is rare, and as a plain loop around poll(2)
 * while locks come and go. It may block there, up to LINGER_MS: nobody else lives in this process.
 */
export class ChildLoop {
  readonly #modules: ChildLoopModules;
  readonly #fds: { readonly address: number; readonly ints: Int32Array; shorts: Int16Array };
  /** Kept: a poll handle that nobody refers to is collected and falls silent. */
  readonly #socketPoll: PollHandle;
  #device: Device | null = null;
  #devicePoll: PollHandle | null = null;
  #timers = 0;
  #again: NodeJS.Immediate | null = null;
  #retry: NodeJS.Timeout | null = null;
  #turning = false;
  /** False while replies wait for room in the socket. */
  #sent = true;
  #ended = false;

  constructor(modules: ChildLoopModules) {
    this.#modules = modules;
    const { address, bytes } = allocate(2 * POLLFD_BYTES);
    this.#fds = { address, ints: new Int32Array(bytes), shorts: new Int16Array(bytes) };
    this.#fds.ints[0] = modules.socketFd;
    this.#fds.ints[2] = -1;
    this.#socketPoll = koffi.node.poll(modules.socketFd, { readable: true },
      () => this.#spell(true, false));
  }

  /** From now on the kernel's answers of this lockspace are handled. */
  watch(device: Device): void {
    this.#device = device;
    this.#fds.ints[2] = device.fd;
    this.#devicePoll = koffi.node.poll(device.fd, { readable: true },
      () => this.#spell(false, true));
  }

  /** Before the descriptor is closed: polling a closed one aborts the process. */
  unwatch(): void {
    this.#devicePoll?.close();
    this.#devicePoll = null;
    this.#device = null;
    this.#fds.ints[2] = -1;
  }

  /** Runs the callback once, that many ms later. */
  later(delayMs: number, run: () => void): void {
    this.#timers += 1;
    setTimeout(() => {
      this.#timers -= 1;
      this.#guard(run);
      this.#spell(false, false);
    }, delayMs);
  }

  /** Sends what was added to the socket; within a turn, that ends with it anyway. */
  flushSoon(): void {
    if (!this.#turning) {
      this.#again ??= setImmediate(() => this.#spell(false, false));
    }
  }

  #spell(socketReady: boolean, deviceReady: boolean): void {
    if (this.#again !== null) {
      clearImmediate(this.#again);
      this.#again = null;
    }
    this.#turning = true;
    this.#guard(() => this.#turns({ socket: socketReady, device: deviceReady }));
    this.#turning = false;
    if (!this.#sent && !this.#ended) {
      // Node's loop does not watch for room in the socket: come back soon, to wait for it here, or
      // a little later where waiting here would keep a timer from its turn.
      if (this.#timers === 0) {
        this.flushSoon();
      } else {
        this.#retry ??= setTimeout(() => {
          this.#retry = null;
          this.#spell(false, false);
        }, FULL_RETRY_MS);
      }
    }
  }

  #turns(first: Ready): void {
    let ready: Ready | null = first;
    for (let turn = 0; turn < TURNS_MAX && ready !== null; turn += 1) {
      this.#sent = this.#turn(ready);
      ready = this.#mayLinger() ? this.#wait() : null;
    }
  }

  /** False when replies are left that the socket has no room for. */
  #turn(ready: Ready): boolean {
    const { socket } = this.#modules;
    if (ready.socket && !this.#ended && !this.#crowded) {
      socket.receive();
      if (socket.ended) this.#end();
    }
    if ((ready.device || ready.socket) && !this.#crowded) {
      // What a request caused has often been answered already: locks that are mastered here.
      this.#device?.drain();
    }
    return socket.flush();
  }

  /** Not while something is to come that only Node's own loop brings: a timer, a promise. */
  #mayLinger(): boolean {
    return this.#device !== null && this.#timers === 0 && !this.#ended;
  }

  /** Waits until one of the two descriptors is ready; null when none was for LINGER_MS. */
  #wait(): Ready | null {
    const { address, shorts } = this.#fds;
    const crowded = this.#crowded;
    shorts[2] = (crowded ? 0 : POLLIN) | (this.#sent ? 0 : POLLOUT);
    shorts[6] = crowded ? 0 : POLLIN;
    if (this.#modules.libc.poll(address, 2, LINGER_MS) <= 0) {
      return null;
    }
    return {
      socket: ((shorts[3] as number) & ~POLLOUT) !== 0, device: (shorts[7] as number) !== 0,
    };
  }

  get #crowded(): boolean {
    return !this.#ended && this.#modules.socket.overflowCount >= UNREAD_REPLIES_MAX;
  }

  #end(): void {
    this.#ended = true;
    this.#socketPoll.close();
    this.#modules.onEnd();
  }

  /** An exception in a poll callback would end the polling without a word. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (fault) {
      this.#modules.onFault(fault);
    }
  }
}
