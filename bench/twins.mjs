import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror'];

/** Compiles bench/c/NAME.c into build/bench and gives the path of the program. */
export function buildTwin(name, libraries) {
  const source = fileURLToPath(new URL(`c/${name}.c`, import.meta.url));
  const program = fileURLToPath(new URL(`../build/bench/${basename(name)}`, import.meta.url));
  mkdirSync(dirname(program), { recursive: true });
  const link = libraries.map((library) => `-l${library}`);
  execFileSync('gcc', [...FLAGS, source, '-o', program, ...link], { stdio: 'inherit' });
  return program;
}
