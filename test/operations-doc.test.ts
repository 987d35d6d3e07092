import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROWS_MIN = 20;

/** What stands in the test sources, with the loops' inserts of titles as they are written. */
function testSources(): string {
  const folder = join(ROOT, 'test');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

test('every row of the operations page names tests that exist', (t) => {
  const lines = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && !line.startsWith('| what happens'));
  t.true(rows.length >= ROWS_MIN);
  const sources = testSources().replaceAll('\\\'', '\'').replaceAll('${what}', 'an hour back');
  for (const row of rows) {
    const proof = row.split(' | ').at(-1) ?? '';
    const titles = [...proof.matchAll(/"([^"]+)"/g)].map(([, title]) => title ?? '');
    t.true(titles.length > 0, row);
    for (const title of titles) t.true(sources.includes(title), `no test is called "${title}"`);
  }
});
