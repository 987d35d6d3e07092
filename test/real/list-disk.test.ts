import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import test from 'ava';

const AGENT = fileURLToPath(new URL('./support/list-disk-agent.js', import.meta.url));
const AGENT_TIMEOUT_MS = 60_000;

test('on a real full or read-only file system the list refuses, loses nothing, and recovers', async (t) => {
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) {
    t.log('skipped: mount namespaces cannot be made here (root is needed)');
    t.pass();
    return;
  }
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const { stdout } = await promisify(execFile)(
    'unshare', ['--mount', '--propagation', 'private', process.execPath, AGENT, directory],
    { timeout: AGENT_TIMEOUT_MS },
  );
  const { taken, ...said } = JSON.parse(stdout) as { taken: number } & Record<string, unknown>;
  t.log(`${taken} appends fitted before the disk was full`);
  t.deepEqual(said, {
    fullAtFiller: 'ENOSPC',
    fullCode: 'NO_SPACE',
    onFull: [0, null, taken + 1],
    generationsOnFull: 'NO_SPACE',
    afterFull: null,
    openReadOnly: 'CLAIM_FAILED',
    checkReadOnly: 0,
    locks: taken + 1,
    openedFull: { failure: 'NO_SPACE', locks: taken + 1 },
    lateOnFull: 'NO_SPACE',
    recovered: true,
    lateAfter: null,
    problems: 0,
  });
});
