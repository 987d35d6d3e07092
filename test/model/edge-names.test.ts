import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '../../..');
const CORE = join(ROOT, 'src/coordinator/core');
const COMMENT = /\/\*[\s\S]*?\*\//g;
/** Two words in one: what a comment of a model names so is a function. */
const NAME = /\b[a-z]+(?:[A-Z][a-z]*)+\b/g;
const NAMES_MIN = 10;

const functions = new Set(readdirSync(CORE).flatMap((file) => {
  const text = readFileSync(join(CORE, file), 'utf8');
  return [...text.matchAll(/^(?:export )?function (\w+)/gm)].map(([, name = '']) => name);
}));

for (const model of ['handover.pml', 'adoption.pml']) {
  test(`every action of ${model} is named after an edge that the code has`, (t) => {
    const text = readFileSync(join(ROOT, 'model', model), 'utf8');
    const named = (text.match(COMMENT) ?? []).flatMap((comment) => comment.match(NAME) ?? []);
    t.true(new Set(named).size >= NAMES_MIN, named.join());
    t.deepEqual([...new Set(named)].filter((name) => !functions.has(name)), []);
  });
}
