import test, { type ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from './fixture.js';

/** Debian's nobody. */
const NOBODY_ID = 65_534;
const MODULES = new URL('../../src/control/', import.meta.url);

/** What `script` prints when it runs as a user without rights. */
async function runUnprivileged(t: ExecutionContext, script: string): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...(isRoot ? { uid: NOBODY_ID, gid: NOBODY_ID } : {}),
  });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}

test('a client that may not connect is told about permission, not that nobody is there', async (t) => {
  const directory = await temporaryDirectory(t);
  await chmod(directory, 0o755);
  const closed = join(directory, 'closed');
  await mkdir(closed);
  await chmod(closed, 0o000);
  const text = await runUnprivileged(t, `
    import { openControlClient } from '${new URL('client.js', MODULES).href}';
    const client = openControlClient({ socketPath: ${JSON.stringify(join(closed, 's'))} });
    await client.status().catch((error) => console.log(error.code, error.message));`);
  t.regex(text, /^NO_PERMISSION .*haclient/);
});

test('a daemon that may not make its socket says so', async (t) => {
  const directory = await temporaryDirectory(t);
  await chmod(directory, 0o555);
  const text = await runUnprivileged(t, `
    import { startControlServer } from '${new URL('server.js', MODULES).href}';
    const log = { info() {}, warn() {}, error() {} };
    const options = { service: {}, log, socketPath: ${JSON.stringify(join(directory, 's'))} };
    await startControlServer(options).catch((error) => console.log(error.code, error.message));`);
  t.regex(text, /^SOCKET_NO_PERMISSION .*as root/);
  await chmod(directory, 0o755);
});
