import type { LockKernel } from '../../../src/dlm/child/lock-kernel.js';
import { LockTable } from '../../../src/dlm/child/lock-table.js';
import { LKF_NOQUEUE } from '../../../src/dlm/constants.js';
import type { Reply } from '../../../src/dlm/protocol.js';

/** Notes every call; answers 0, or what `errnos` says for the next call of that name. */
export class FakeKernel implements LockKernel {
  readonly calls: string[] = [];
  readonly errnos = new Map<string, number[]>();
  readonly flags: number[] = [];
  readonly values: (Uint8Array | null)[] = [];

  requestNull(id: number, resource: string): number { return this.#call('null', id, resource); }
  request(id: number, resource: string, mode: string, flags: number): number {
    return this.#call('request', id, resource, mode, `${flags}`);
  }
  convert(id: number, mode: string, flags: number, value: Uint8Array | null): number {
    this.flags.push(flags);
    this.values.push(value);
    return this.#call('convert', id, mode, (flags & LKF_NOQUEUE) === 0 ? 'wait' : 'noqueue');
  }
  adopt(id: number, resource: string, mode: string): number {
    return this.#call('adopt', id, resource, mode);
  }
  unlock(id: number, flags: number): number {
    this.flags.push(flags);
    return this.#call('unlock', id);
  }
  cancel(id: number): number { return this.#call('cancel', id); }
  deadlockCancel(id: number): number { return this.#call('deadlock-cancel', id); }
  drop(id: number): void { this.#call('drop', id); }

  #call(name: string, ...args: readonly (string | number)[]): number {
    this.calls.push([name, ...args].join(' '));
    return this.errnos.get(name)?.shift() ?? 0;
  }
}

/** A lock table over a kernel that only notes; `complete` answers, `due` holds what waits. */
export function setUp() {
  const kernel = new FakeKernel();
  const replies: Reply[] = [];
  const due: (() => void)[] = [];
  const table = new LockTable({
    kernel,
    reply: (reply) => replies.push(reply),
    later: (_delayMs, run) => due.push(run),
  });
  const complete = (
    id: number, status: number, { flags = 0, value = null as Uint8Array | null } = {},
  ): void => table.notice({ kind: 'completion', id, status, flags, value });
  const take = (wait: boolean): void =>
    table.request({
      kind: 'take', op: 1, id: 7, resource: 'r', mode: 'EX', wait, persistent: true, flags: 0,
    });
  const hold = (): void => {
    take(true);
    complete(7, 0);
    complete(7, 0);
    kernel.calls.length = 0;
    replies.length = 0;
  };
  const codes = (): string[] =>
    replies.map((reply) => reply.kind === 'failed' ? `${reply.op} ${reply.failure.code}`
      : 'op' in reply ? `${reply.op} ${reply.kind}` : reply.kind);
  return { kernel, replies, due, table, complete, take, hold, codes };
}
