import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import koffi from 'koffi';
import { messageOf } from '../errors.js';
import { systemClock, type Clock } from '../clock.js';
import { decodeReply, encodeRequest } from './encoding.js';
import { FrameSocket } from './frame-socket.js';
import { loadLibC, type LibC } from './libc.js';
import type { Reply, Request } from './protocol.js';

/** How long a child may take to end after its input was closed, before it is killed. */
export const CHILD_END_MS_MAX = 2_000;

/** How long to wait for a killed child: one inside a stopped lockspace does not die until then. */
export const CHILD_KILL_MS_MAX = 3_000;

/** Longest line of the child's stderr that is passed on. */
const LOG_LINE_BYTES_MAX = 4_096;

export interface ChildLinkOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly onReply: (reply: Reply) => void;
  readonly onLog: (message: string) => void;
  /** The child has ended and let go of the lockspace. Called once. */
  readonly onEnd: (reason: string) => void;
  readonly clock?: Clock;
}

type PollHandle = ReturnType<typeof koffi.node.poll>;

/** Reads at most so often before the rest of the daemon gets its turn. */
const RECEIVES_MAX = 16;

/** The child process and the frames to and from it. */
export class ChildLink {
  readonly #options: ChildLinkOptions;
  readonly #clock: Clock;
  readonly #libc: LibC;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #fd: number;
  readonly #socket: FrameSocket<Request, Reply>;
  /** Null when the connection is closed. Kept: one that nobody refers to falls silent. */
  #poll: PollHandle | null;
  #flushing = false;
  #fault: string | null = null;

  /** Throws when the system has no descriptors left. */
  constructor(options: ChildLinkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#libc = loadLibC();
    const fds = this.#libc.socketPair();
    if (fds === null) {
      throw new Error(`no connection for a child: errno ${this.#libc.errno()}`);
    }
    const [fd, childFd] = fds;
    this.#fd = fd;
    this.#socket = new FrameSocket({
      libc: this.#libc, fd, encode: encodeRequest, decode: decodeReply, onMessage: options.onReply,
    });
    const [program, ...args] = options.command;
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe', childFd],
    });
    this.#libc.close(childFd);
    this.#poll = koffi.node.poll(fd, { readable: true }, () => this.#turn());
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.#receive(Number.MAX_SAFE_INTEGER);
        this.#disconnect();
        options.onEnd(this.#fault ?? reason);
        resolve();
      };
      this.#child.once('exit', (code, signal) => end(`it ended with ${signal ?? `code ${code}`}`));
      this.#child.once('error', (cause) => {
        if (this.#child.pid === undefined) {
          end(`it could not be started: ${messageOf(cause)}`);
        }
      });
    });
    forwardLines(this.#child.stderr as Readable, options.onLog);
  }

  /** The child's process id, or null when it could not be started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Queues a request; all requests of this turn go out in one piece. */
  send(request: Request): void {
    this.#socket.add(request);
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
  }

  /**
   * Ends the child and waits until it is gone, which is when its locks have become orphans. False
   * when the kernel did not let go of it in time.
   */
  async close(): Promise<boolean> {
    this.#flush();
    this.#disconnect();
    if (await this.#endsWithin(CHILD_END_MS_MAX)) {
      return true;
    }
    this.#child.kill('SIGKILL');
    return this.#endsWithin(CHILD_KILL_MS_MAX);
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#poll === null) {
      return;
    }
    try {
      if (!this.#socket.flush()) {
        this.#poll.start({ readable: true, writable: true }, () => this.#turn());
        this.#flushing = true;
      }
    } catch (fault) {
      this.#giveUp(`it cannot be asked: ${messageOf(fault)}`);
    }
  }

  /** The socket is readable, or writable again. Nothing here may throw: polling would end. */
  #turn(): void {
    this.#receive(RECEIVES_MAX);
    if (this.#flushing && this.#poll !== null) {
      this.#poll.start({ readable: true }, () => this.#turn());
      this.#flush();
    }
    if (this.#socket.ended) {
      // The child is ending; its end is told by the process, which is what counts.
      this.#disconnect();
    }
  }

  #receive(timesMax: number): void {
    try {
      for (let times = 0; times < timesMax && this.#poll !== null; times += 1) {
        if (!this.#socket.receive()) {
          return;
        }
      }
    } catch (fault) {
      this.#giveUp(`its replies make no sense: ${messageOf(fault)}`);
    }
  }

  /** Out of step with the child: nothing it says can be believed any more. */
  #giveUp(fault: string): void {
    this.#fault ??= fault;
    this.#disconnect();
    this.#child.kill('SIGKILL');
  }

  /** The child sees the end of the connection and ends. The polling has to be closed first. */
  #disconnect(): void {
    if (this.#poll !== null) {
      this.#poll.close();
      this.#poll = null;
      this.#libc.close(this.#fd);
    }
  }

  async #endsWithin(delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(delayMs, () => resolve(false));
      void this.#ended.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }
}

function forwardLines(stream: Readable, log: (message: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-LOG_LINE_BYTES_MAX);
    for (const line of lines) {
      log(line.slice(0, LOG_LINE_BYTES_MAX));
    }
  });
  stream.on('end', () => {
    if (rest !== '') {
      log(rest);
    }
  });
}
