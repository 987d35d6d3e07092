import { loadLibC } from '../libc.js';
import type { LibDlm, LockspaceHandle } from '../native.js';
import type { Reply, Request } from '../protocol.js';
import { Answers } from './answers.js';
import type { ChildLoop } from './child-loop.js';
import { refusal } from './failure.js';
import { LibDlmKernel, type LockNotice } from './lock-kernel.js';
import { LockTable } from './lock-table.js';
import { loadLibrary, openLockspace, releaseLockspace, type Opened } from './lockspace-handle.js';

/** How the library is loaded, and a lockspace opened and left; another one only in benches. */
export interface Opener {
  readonly loadLibrary: typeof loadLibrary;
  readonly openLockspace: typeof openLockspace;
  readonly releaseLockspace: typeof releaseLockspace;
}

/** libdlm and the kernel of this machine. */
export const systemOpener: Opener = { loadLibrary, openLockspace, releaseLockspace };

interface Open {
  readonly name: string;
  readonly library: LibDlm;
  readonly handle: LockspaceHandle;
  readonly kernel: LibDlmKernel;
  readonly table: LockTable;
}

type SessionState =
  | { readonly kind: 'closed' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'open'; readonly open: Open };

export interface SessionModules {
  readonly reply: (reply: Reply) => void;
  readonly loop: Pick<ChildLoop, 'watch' | 'unwatch' | 'later'>;
  readonly opener: Opener;
  /** The child is out of step with the kernel: it must end and leave orphans behind. */
  readonly fail: (fault: unknown) => void;
}

/** The child's one lockspace, and the way from requests to libdlm and back. */
export class Session {
  #state: SessionState = { kind: 'closed' };
  readonly #reply: SessionModules['reply'];
  readonly #loop: SessionModules['loop'];
  readonly #opener: Opener;
  readonly #fail: SessionModules['fail'];

  constructor({ reply, loop, opener, fail }: SessionModules) {
    this.#reply = reply;
    this.#loop = loop;
    this.#opener = opener;
    this.#fail = fail;
  }

  request(request: Request): void {
    switch (request.kind) {
      case 'ping':
        return this.#reply({ kind: 'done', op: request.op });
      case 'open':
        return this.#start(this.#open(request.op, request.lockspace));
      case 'release':
        return this.#start(this.#release(request.op, request.force));
      case 'purge':
      case 'versions':
        return this.#refuse(request.op, request.kind);
      default:
        if (this.#state.kind !== 'open') {
          return this.#refuse(request.op, request.kind);
        }
        return this.#state.open.table.request(request);
    }
  }

  #start(running: Promise<void>): void {
    running.catch((fault: unknown) => this.#fail(fault));
  }

  /** closed -> busy -> open | closed */
  async #open(op: number, name: string): Promise<void> {
    if (this.#state.kind !== 'closed') {
      return this.#refuse(op, 'open');
    }
    this.#state = { kind: 'busy' };
    const library = this.#opener.loadLibrary();
    if ('code' in library) {
      this.#state = { kind: 'closed' };
      return this.#reply({ kind: 'failed', op, failure: library });
    }
    const opened = await this.#opener.openLockspace(library, name);
    if (opened.kind === 'failed') {
      this.#state = { kind: 'closed' };
      return this.#reply({ kind: 'failed', op, failure: opened.failure });
    }
    this.#enter(library, name, opened);
    this.#reply({ kind: 'done', op });
  }

  /** open -> busy -> closed | open */
  async #release(op: number, force: number): Promise<void> {
    if (this.#state.kind !== 'open') {
      return this.#refuse(op, 'release');
    }
    const { name, library, handle, table } = this.#state.open;
    if (table.size > 0) {
      const message = `lockspace ${name} was not left: ${table.size} locks of this daemon are in it`;
      return this.#reply({
        kind: 'failed', op, failure: refusal('LOCKSPACE_BUSY', 'release', message),
      });
    }
    this.#state = { kind: 'busy' };
    this.#loop.unwatch();
    const released = await this.#opener.releaseLockspace(library, name, handle, force);
    if (released.kind === 'released') {
      this.#state = { kind: 'closed' };
      return this.#reply({ kind: 'done', op });
    }
    if (released.opened.kind === 'failed') {
      throw new Error(`lockspace ${name} could neither be left nor opened again: `
        + released.opened.failure.message);
    }
    this.#enter(library, name, released.opened);
    this.#reply({ kind: 'failed', op, failure: released.failure });
  }

  /** busy -> open */
  #enter(
    library: LibDlm, name: string, { handle, fd }: Extract<Opened, { kind: 'open' }>,
  ): void {
    const kernel = new LibDlmKernel({ library, handle, answers: new Answers(loadLibC(), fd) });
    const table = new LockTable({
      kernel,
      reply: this.#reply,
      later: (delayMs, run) => this.#loop.later(delayMs, run),
    });
    const tell = (notice: LockNotice): void => table.notice(notice);
    this.#loop.watch({ fd, drain: () => kernel.drain(tell) });
    this.#state = { kind: 'open', open: { name, library, handle, kernel, table } };
  }

  #refuse(op: number, operation: string): void {
    const message = `${operation} while the child's lockspace is ${this.#state.kind}`;
    this.#reply({ kind: 'failed', op, failure: refusal('BAD_REQUEST', operation, message) });
  }
}
