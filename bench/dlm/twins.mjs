import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { buildTwin } from '../twins.mjs';

/**
 * Builds the C loop and, apart from it, the stub of libdlm: a folder of its own, since whoever
 * sets LD_LIBRARY_PATH to it must not meet anything else. Gives where they are.
 */
export function buildDlmTwins() {
  const loop = buildTwin('dlm-loop', ['dlm']);
  const stubFolder = fileURLToPath(new URL('../../build/bench/stub', import.meta.url));
  const sources = ['stub-libdlm.c', 'late-answers.c']
    .map((name) => fileURLToPath(new URL(`../c/${name}`, import.meta.url)));
  mkdirSync(stubFolder, { recursive: true });
  execFileSync('gcc', [
    '-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared', '-pthread',
    '-Wl,-soname,libdlm.so.3', '-o', `${stubFolder}/libdlm.so.3`, ...sources,
  ], { stdio: 'inherit' });
  return { loop, stubFolder };
}
