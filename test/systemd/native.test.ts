import test from 'ava';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { openNotifier } from '../../src/systemd/index.js';

/** Receives datagrams on a unix socket, and prints each and an empty line. */
const LISTEN = `
use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die;
print "listening\\n\\n";
while (defined recv($s, my $text, 4096, 0)) { print "$text\\n\\n"; }
`;

/** A process of its own: libsystemd reads the real environment, which a test's thread has not. */
const SERVICE = `
import { openNotifier } from '${new URL('../../src/systemd/index.js', import.meta.url).href}';
import { systemClock } from '${new URL('../../src/clock.js', import.meta.url).href}';
const notifier = await openNotifier({ clock: systemClock, log: (_, text) => { throw new Error(text) } });
notifier.ready();
notifier.status('ok');
await new Promise((resolve) => setTimeout(resolve, 200));
await notifier.stopping();
`;

test('what a real service manager receives from libsystemd', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-notify-'));
  const path = join(directory, 'notify');
  const listener = spawn('perl', ['-e', LISTEN, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(async () => {
    listener.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });
  let heard = '';
  listener.stdout.on('data', (bytes: Buffer) => (heard += bytes.toString()));
  const hears = async (text: string): Promise<void> => {
    for (let turn = 0; turn < 1_000 && !heard.includes(text); turn += 1) {
      await new Promise((resolve) => void setTimeout(resolve, 10));
    }
    t.true(heard.includes(text), heard);
  };
  await hears('listening');
  const env = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000' };
  const service = spawn(process.execPath, ['--input-type=module', '-e', SERVICE], { env });
  t.teardown(() => service.kill('SIGKILL'));
  await hears('READY=1\nWATCHDOG=1\nSTATUS=ok\n\n');
  await hears('STOPPING=1\n\n');
});

test('without a service manager there is nothing to tell', async (t) => {
  t.is(await openNotifier({ clock: systemClock, log: () => undefined }), null);
});
