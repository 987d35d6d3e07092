import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

test('the example without a cluster shows adoption and the node whose death frees a lock', async (t) => {
  const script = join(import.meta.dirname, '../../../examples/embedded-mutex.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 30_000 });
  t.deepEqual(stdout.trim().split('\n'), [
    'node 1 holds disk',
    'node 2 is refused: WOULD_BLOCK',
    "node 1's process died and its successor adopted disk; node 2 waits for it",
    'node 1 lost power and was fenced; node 2 holds disk',
  ]);
});
