/**
 * A child whose kernel answers late. Its argument is a file, to which it writes `asked` for each
 * call and `answered` for each answer.
 */
import { appendFileSync } from 'node:fs';
import { COMPLETION_TOKEN } from '../../../src/dlm/child/answers.js';
import { serve } from '../../../src/dlm/child/serve.js';
import type { Opener } from '../../../src/dlm/child/session.js';
import { loadLibC } from '../../../src/dlm/libc.js';
import type { LibDlm, LockspaceHandle } from '../../../src/dlm/native.js';
import { answerBytes } from './answer-bytes.js';

/** Longer than a child takes to end that does not wait for it, and shorter than it may wait. */
const ANSWER_MS = 200;

const file = process.argv[2] as string;
const libc = loadLibC();
const [deviceFd, kernelFd] = libc.socketPair() as readonly [number, number];

function ask(...args: Parameters<LibDlm['dlm_ls_lock']>): number {
  const id = args[8];
  appendFileSync(file, 'asked\n');
  setTimeout(() => {
    const bytes = answerBytes({ token: COMPLETION_TOKEN, id });
    libc.send(kernelFd, bytes, bytes.length, 0);
    appendFileSync(file, 'answered\n');
  }, ANSWER_MS);
  return 0;
}

const library = { dlm_ls_lock: ask, dlm_ls_lockx: ask } as unknown as LibDlm;
const opener: Opener = {
  loadLibrary: () => library,
  openLockspace: () => Promise.resolve({ kind: 'open', handle: 1n as LockspaceHandle, fd: deviceFd }),
  releaseLockspace: () => Promise.resolve({ kind: 'released' }),
};

serve(opener);
