import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { KernelFiles } from '../../src/dlm/kernel-files.js';

/** libuv's pool has four threads unless UV_THREADPOOL_SIZE says otherwise. */
const READERS = 16;

test('tables that cannot be read to their end leave threads for all other files', async (t) => {
  const sys = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const folder = join(sys, 'kernel/debug/dlm');
  await mkdir(folder, { recursive: true });
  const tables = ['locks', 'all', 'waiters'] as const;
  const paths = tables.map((table) => join(folder, `ls_${table}`));
  // Opening a pipe that nobody writes to hangs, as a table does in a kernel that lost its way.
  await promisify(execFile)('mkfifo', paths);
  const kernel = new KernelFiles({ sys, proc: sys });
  const readings: Promise<Buffer>[] = [];
  for (let count = 0; count < READERS; count += 1) {
    readings.push(...tables.map((table) => kernel.debugFile('ls', table)));
  }
  const other = join(sys, 'other');
  await writeFile(other, 'still read');
  t.is(await readFile(other, 'utf8'), 'still read');

  let isOver = false;
  const over = Promise.all(readings).then(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const path of paths) await (await open(path, 'r+')).close();
  }
  await over;
  await rm(sys, { recursive: true });
});
