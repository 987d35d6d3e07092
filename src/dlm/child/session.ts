import koffi from 'koffi';
import { loadLibC } from '../libc.js';
import type { LibDlm, LockspaceHandle } from '../native.js';
import type { Reply, Request } from '../protocol.js';
import { Answers } from './answers.js';
import type { ChildLoop } from './child-loop.js';
import { failureOf, refusal } from './failure.js';
import { LibDlmKernel, type CallSigns, type LockNotice } from './lock-kernel.js';
import { LockTable } from './lock-table.js';
import { loadLibrary, openLockspace, releaseLockspace, type Opened } from './lockspace-handle.js';

type RequestOf<K extends Request['kind']> = Extract<Request, { kind: K }>;

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
  readonly signs: CallSigns;
}

/** The child's one lockspace, and the way from requests to libdlm and back. */
export class Session {
  #state: SessionState = { kind: 'closed' };
  readonly #reply: SessionModules['reply'];
  readonly #loop: SessionModules['loop'];
  readonly #opener: Opener;
  readonly #fail: SessionModules['fail'];
  readonly #signs: CallSigns;

  constructor({ reply, loop, opener, fail, signs }: SessionModules) {
    this.#reply = reply;
    this.#loop = loop;
    this.#opener = opener;
    this.#fail = fail;
    this.#signs = signs;
  }

  request(request: Request): void {
    switch (request.kind) {
      case 'ping':
        return this.#reply({ kind: 'done', op: request.op });
      case 'open':
        return this.#start(this.#open(request));
      case 'release':
        return this.#start(this.#release(request.op, request.force));
      default:
        if (this.#state.kind !== 'open') {
          return this.#refuse(request.op, request.kind);
        }
        return this.#requestOf(this.#state.open, request);
    }
  }

  /**
   * The parent is gone: nothing more is asked of the kernel. True when it owes no answer any more;
   * call it again until then.
   */
  leave(): boolean {
    return this.#state.kind !== 'open' || this.#state.open.table.leave();
  }

  #requestOf(open: Open, request: Exclude<Request, { kind: 'ping' | 'open' | 'release' }>): void {
    switch (request.kind) {
      case 'purge':
        return this.#purge(open, request);
      case 'versions':
        return this.#reply({ kind: 'versions', op: request.op, ...versionsOf(open.library) });
      default:
        return open.table.request(request);
    }
  }

  /** The kernel drops orphans of this node at once; another node is only told to. */
  #purge({ library, handle, name }: Open, { op, nodeId, pid }: RequestOf<'purge'>): void {
    this.#signs.enter('purge', 0);
    const result = library.dlm_ls_purge(Number(handle), nodeId, pid);
    const errno = result === 0 ? 0 : koffi.errno();
    this.#signs.leave();
    if (errno === 0) {
      return this.#reply({ kind: 'done', op });
    }
    this.#reply({ kind: 'failed', op, failure: failureOf('purge', name, errno) });
  }

  #start(running: Promise<void>): void {
    running.catch((fault: unknown) => this.#fail(fault));
  }

  /** closed -> busy -> open | closed */
  async #open({ op, lockspace: name, ...creation }: RequestOf<'open'>): Promise<void> {
    if (this.#state.kind !== 'closed') {
      return this.#refuse(op, 'open');
    }
    this.#state = { kind: 'busy' };
    const library = this.#opener.loadLibrary();
    if ('code' in library) {
      this.#state = { kind: 'closed' };
      return this.#reply({ kind: 'failed', op, failure: library });
    }
    this.#signs.enter('open', 0);
    const opened = await this.#opener.openLockspace(library, name, creation);
    this.#signs.leave();
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
    const { name, library, handle, kernel, table } = this.#state.open;
    if (table.size > 0 && force === 0) {
      const message = `lockspace ${name} was not left: ${table.size} locks of this daemon are in it`;
      return this.#reply({
        kind: 'failed', op, failure: refusal('LOCKSPACE_BUSY', 'release', message),
      });
    }
    if (table.size === 0 && kernel.blocksUsed > 0) {
      throw new Error(`${kernel.blocksUsed} status blocks are left of locks that are gone`);
    }
    this.#state = { kind: 'busy' };
    this.#loop.unwatch();
    // libdlm frees the handle, whatever comes of it: no retry of an unlock may use it any more.
    table.abandon();
    this.#signs.enter('release', 0);
    const released = await this.#opener.releaseLockspace(library, name, handle, force);
    this.#signs.leave();
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
    const answers = new Answers(loadLibC(), fd);
    const kernel = new LibDlmKernel({ library, handle, answers, signs: this.#signs });
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

function versionsOf(library: LibDlm): { readonly kernel: string; readonly library: string } {
  const kernel = numbers();
  const own = numbers();
  koffi.errno(0);
  const known = library.dlm_kernel_version(...kernel) === 0;
  library.dlm_library_version(...own);
  return { kernel: known ? textOf(kernel) : 'unknown', library: textOf(own) };
}

function numbers(): [number[], number[], number[]] {
  return [[0], [0], [0]];
}

function textOf(version: readonly (readonly number[])[]): string {
  return version.map(([part]) => part).join('.');
}
