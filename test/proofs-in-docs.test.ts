import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Pages with a table whose last column names the tests of its row; its first line's first cell. */
const PAGES = [
  { page: 'operations.md', head: '| what happens', rowsMin: 20 },
  { page: 'protocol.md', head: '| rule', rowsMin: 12 },
];

/** What stands in the test sources, with the loops' inserts of titles as they are written. */
function testSources(): string {
  const folder = join(ROOT, 'test');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

const sources = testSources().replaceAll('\\\'', '\'').replaceAll('${what}', 'an hour back');

for (const { page, head, rowsMin } of PAGES) {
  test(`every row of the table in ${page} names tests that exist`, (t) => {
    const lines = readFileSync(join(ROOT, 'docs', page), 'utf8').split('\n');
    const start = lines.findIndex((line) => line.startsWith(head));
    const rows = lines.slice(start)
      .filter((line) => line.startsWith('| ') && !line.startsWith(head));
    t.true(start >= 0 && rows.length >= rowsMin);
    for (const row of rows) {
      const proof = row.split(' | ').at(-1) ?? '';
      const titles = [...proof.matchAll(/"([^"]+)"/g)].map(([, title]) => title ?? '');
      t.true(titles.length > 0, row);
      for (const title of titles) t.true(sources.includes(title), `no test is called "${title}"`);
    }
  });
}
