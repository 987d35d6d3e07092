import test, { type ExecutionContext } from 'ava';
import { Answers, BLOCKING_TOKEN, COMPLETION_TOKEN } from '../../../src/dlm/child/answers.js';
import { loadLibC } from '../../../src/dlm/libc.js';
import { answerBytes } from './answer-bytes.js';

const libc = loadLibC();

/** Answers that read from one end of a socket pair; the test writes what the kernel would. */
function setUp(t: ExecutionContext) {
  const fds = libc.socketPair();
  if (fds === null) throw new Error(`no socket pair: errno ${libc.errno()}`);
  t.teardown(() => fds.forEach((fd) => libc.close(fd)));
  const answers = new Answers(libc, fds[0]);
  const write = (bytes: Buffer): void => {
    libc.send(fds[1], bytes, bytes.length, 0);
  };
  return { answers, write };
}

// Serial: all readers of one process share the memory that they read into.
test.serial('nothing to read is no answer, and does not block', (t) => {
  const { answers } = setUp(t);
  t.false(answers.next());
});

test.serial('a completion tells its lock, its status with the sign turned, and its flags', (t) => {
  const { answers, write } = setUp(t);
  write(answerBytes({ token: COMPLETION_TOKEN, id: 2 ** 40 + 7, status: -0x10002, flags: 2 }));
  t.true(answers.next());
  t.false(answers.blocking);
  t.is(answers.id, 2 ** 40 + 7);
  t.is(answers.status, 0x10002);
  t.is(answers.statusFlags, 2);
  t.is(answers.value, null);
  t.false(answers.next());
});

test.serial('a blocking notice tells in which mode somebody waits', (t) => {
  const { answers, write } = setUp(t);
  write(answerBytes({ token: BLOCKING_TOKEN, id: 3, blockedMode: 5 }));
  t.true(answers.next());
  t.true(answers.blocking);
  t.is(answers.id, 3);
  t.is(answers.blockedMode, 5);
});

test.serial('a value block that comes along is copied', (t) => {
  const { answers, write } = setUp(t);
  const value = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
  write(answerBytes({ token: COMPLETION_TOKEN, id: 1, value }));
  t.true(answers.next());
  const read = answers.value;
  t.deepEqual(read, new Uint8Array(value));
  write(answerBytes({ token: COMPLETION_TOKEN, id: 2 }));
  t.true(answers.next());
  t.is(answers.value, null);
  t.deepEqual(read, new Uint8Array(value), 'and does not change with the next answer');
});

for (const [title, bytes] of [
  ['of another version', answerBytes({ token: COMPLETION_TOKEN, id: 1, version: 7 })],
  ['that says another length than it has',
    answerBytes({ token: COMPLETION_TOKEN, id: 1, length: 104 })],
  ['that is too short', answerBytes({ token: COMPLETION_TOKEN, id: 1 }).subarray(0, 40)],
] as const) {
  test.serial(`an answer ${title} is a fault, not a guess`, (t) => {
    const { answers, write } = setUp(t);
    write(bytes);
    t.throws(() => answers.next(), { message: /kernel/ });
  });
}

test.serial('a descriptor that cannot be read is a fault', (t) => {
  t.throws(() => new Answers(libc, -1), { message: /cannot be set up/ });
});
