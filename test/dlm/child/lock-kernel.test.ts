import test, { type ExecutionContext } from 'ava';
import { Answers, BLOCKING_TOKEN, COMPLETION_TOKEN } from '../../../src/dlm/child/answers.js';
import { NO_SIGNS } from '../../../src/dlm/child/call-signs.js';
import { LibDlmKernel, type LockNotice } from '../../../src/dlm/child/lock-kernel.js';
import { LKF_VALBLK } from '../../../src/dlm/constants.js';
import { loadLibC } from '../../../src/dlm/libc.js';
import type { LibDlm, LockspaceHandle } from '../../../src/dlm/native.js';
import { answerBytes } from './answer-bytes.js';

const libc = loadLibC();

/** A library that notes which status block each call was given, and a kernel by hand. */
function setUp(t: ExecutionContext) {
  const fds = libc.socketPair();
  if (fds === null) throw new Error(`no socket pair: errno ${libc.errno()}`);
  t.teardown(() => fds.forEach((fd) => libc.close(fd)));
  const blocks: number[] = [];
  const lock = (_ls: number, _mode: number, lksb: number): number => blocks.push(lksb) && 0;
  const unlock = (_ls: number, _lkid: number, _flags: number, lksb: number): number =>
    blocks.push(lksb) && 0;
  const library = {
    dlm_ls_lock: lock, dlm_ls_lockx: lock, dlm_ls_unlock: unlock, dlm_ls_deadlock_cancel: () => 0,
  } as unknown as LibDlm;
  const kernel = new LibDlmKernel({
    library, handle: 1n as LockspaceHandle, answers: new Answers(libc, fds[0]), signs: NO_SIGNS,
  });
  const answer = (fields: Parameters<typeof answerBytes>[0]): void => {
    const bytes = answerBytes(fields);
    libc.send(fds[1], bytes, bytes.length, 0);
  };
  const drain = (): LockNotice[] => {
    const notices: LockNotice[] = [];
    kernel.drain((notice) => notices.push(notice));
    return notices;
  };
  return { kernel, blocks, answer, drain };
}

// Serial: all readers of one process share the memory that they read into.
test.serial('a completion and a blocking notice are told apart', (t) => {
  const { kernel, answer, drain } = setUp(t);
  kernel.requestNull(7, 'a');
  answer({ token: BLOCKING_TOKEN, id: 7, blockedMode: 3 });
  t.deepEqual(drain(), [{ kind: 'blocking', id: 7, mode: 'PR' }]);
  answer({ token: COMPLETION_TOKEN, id: 7, status: -11 });
  t.deepEqual(drain(), [{ kind: 'completion', id: 7, status: 11, flags: 0, value: null }]);
});

test.serial('all calls of one lock use one status block, and no other lock uses it', (t) => {
  const { kernel, blocks, answer, drain } = setUp(t);
  kernel.requestNull(1, 'a');
  kernel.requestNull(2, 'b');
  kernel.convert(1, 'EX', 0, null);
  kernel.unlock(1, 0);
  kernel.cancel(1);
  const [first, second, ...others] = blocks;
  t.not(first, second);
  t.deepEqual(others, [first, first, first]);
  // Its last answer is still to come: the block must not be given to another lock.
  kernel.requestNull(3, 'c');
  t.false([first, second].includes(blocks.at(-1)));
  answer({ token: COMPLETION_TOKEN, id: 1, status: -0x10002 });
  drain();
  kernel.drop(1);
  kernel.requestNull(4, 'd');
  t.is(blocks.at(-1), first);
});

test.serial('answers to what the listener asks for are told in the same drain', (t) => {
  const { kernel, answer } = setUp(t);
  const seen: number[] = [];
  kernel.requestNull(1, 'a');
  answer({ token: COMPLETION_TOKEN, id: 1 });
  kernel.drain((notice) => {
    seen.push(notice.id);
    if (seen.length < 3) {
      kernel.convert(1, 'EX', 0, null);
      answer({ token: COMPLETION_TOKEN, id: 1 });
    }
  });
  t.deepEqual(seen, [1, 1, 1]);
});

test.serial('a value block is told when it came along, and null otherwise', (t) => {
  const { kernel, answer, drain } = setUp(t);
  const valueOf = (notices: LockNotice[]): Uint8Array | null | undefined => {
    const [notice] = notices;
    return notice?.kind === 'completion' ? notice.value : undefined;
  };
  kernel.requestNull(1, 'a');
  answer({ token: COMPLETION_TOKEN, id: 1 });
  t.is(valueOf(drain()), null);
  kernel.convert(1, 'PR', LKF_VALBLK, null);
  answer({ token: COMPLETION_TOKEN, id: 1, value: new Uint8Array(32).fill(9) });
  t.deepEqual(valueOf(drain()), new Uint8Array(32).fill(9));
  kernel.convert(1, 'EX', 0, null);
  answer({ token: COMPLETION_TOKEN, id: 1 });
  t.is(valueOf(drain()), null);
});

test.serial('no status block is left of locks that were dropped', (t) => {
  const { kernel } = setUp(t);
  for (let id = 1; id <= 5_000; id += 1) {
    kernel.requestNull(id, 'a');
  }
  t.is(kernel.blocksUsed, 5_000);
  for (let id = 1; id <= 5_000; id += 1) {
    kernel.drop(id);
    kernel.drop(id);
  }
  t.is(kernel.blocksUsed, 0);
});
