// `npm run bundle`: each program of build/src in few files of build/bundle, with all that it imports. It
// starts in half the time then: a daemon that was restarted adopts its locks that much sooner.
import { rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { build } from 'esbuild';

import { ROOT } from './prepare.mjs';

/** Each lies as deep as in build/src, since it finds its package and other programs from there. */
const PROGRAMS = ['main.js', 'cli/main.js', 'dlm/child/main.js'];

rmSync(join(ROOT, 'build/bundle'), { recursive: true, force: true });
for (const program of PROGRAMS) {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join('build/src', program)],
    outdir: join('build/bundle', dirname(program)),
    entryNames: basename(program, '.js'),
    // What is imported only when it is needed stays in a file of its own.
    chunkNames: '[name]-[hash]',
    splitting: true,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    // It loads its machine code from beside itself.
    external: ['koffi'],
    // Packages of the older kind call require(), which a module has only when it makes one.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module';\n" +
        'const require = makeRequire(import.meta.url);',
    },
    keepNames: true,
    legalComments: 'eof',
    logLevel: 'warning',
  });
}
