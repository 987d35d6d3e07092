import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { messageOf } from '../errors.js';
import { systemClock, type Clock } from '../clock.js';
import { encodeFrames, FrameDecoder } from './frame.js';
import { parseReply, type Reply, type Request } from './protocol.js';

/** How long a child may take to end after its input was closed, before it is killed. */
export const CHILD_END_MS_MAX = 2_000;

/** How long to wait for a killed child: one inside a stopped lockspace does not die until then. */
export const CHILD_KILL_MS_MAX = 3_000;

/** Longest line of the child's stderr that is passed on. */
const LOG_LINE_BYTES_MAX = 4_096;

export interface ChildLinkOptions {
  /** Program and arguments; our own pid is appended. */
  readonly command: readonly [string, ...string[]];
  readonly onReply: (reply: Reply) => void;
  readonly onLog: (message: string) => void;
  /** The child has ended and let go of the lockspace. Called once. */
  readonly onEnd: (reason: string) => void;
  readonly clock?: Clock;
}

/** The child process and the frames to and from it. */
export class ChildLink {
  readonly #options: ChildLinkOptions;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #decoder = new FrameDecoder();
  readonly #ended: Promise<void>;
  #requests: Request[] = [];
  #fault: string | null = null;

  constructor(options: ChildLinkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const [program, ...args] = options.command;
    this.#child = spawn(program, [...args, String(process.pid)], {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    });
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
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
    // A broken pipe is told by the end of the process; the process is what counts.
    this.#child.stdin?.on('error', (cause) => options.onLog(`request pipe: ${messageOf(cause)}`));
    this.#listen(this.#child.stdio[3] as Duplex);
    forwardLines(this.#child.stderr as Readable, options.onLog);
  }

  /** The child's process id, or null when it could not be started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Queues a request; all requests of this turn go out in one write. */
  send(request: Request): void {
    if (this.#requests.length === 0) {
      queueMicrotask(() => this.#flush());
    }
    this.#requests.push(request);
  }

  /**
   * Ends the child and waits until it is gone, which is when its locks have become orphans. False
   * when the kernel did not let go of it in time.
   */
  async close(): Promise<boolean> {
    this.#child.stdin?.end();
    if (await this.#endsWithin(CHILD_END_MS_MAX)) {
      return true;
    }
    this.#child.kill('SIGKILL');
    return this.#endsWithin(CHILD_KILL_MS_MAX);
  }

  #flush(): void {
    const requests = this.#requests;
    this.#requests = [];
    if (this.#child.stdin?.writable === true) {
      this.#child.stdin.write(encodeFrames(requests));
    }
  }

  #listen(replies: Duplex): void {
    replies.on('data', (chunk: Buffer) => {
      if (this.#fault !== null) {
        return;
      }
      try {
        for (const message of this.#decoder.push(chunk)) {
          const reply = parseReply(message);
          if (reply === null) {
            throw new Error(`no reply: ${JSON.stringify(message).slice(0, 200)}`);
          }
          this.#options.onReply(reply);
        }
      } catch (fault) {
        // Out of step with the child: nothing it says can be believed any more.
        this.#fault = `its replies make no sense: ${messageOf(fault)}`;
        this.#child.kill('SIGKILL');
      }
    });
    replies.on('error', (cause) => this.#options.onLog(`reply pipe: ${messageOf(cause)}`));
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
