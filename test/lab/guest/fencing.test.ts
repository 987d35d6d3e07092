import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { attempt, type CommandResult } from '../host/command.js';
import { dlmConfigText, FENCE_AGENT_PATH, FENCE_AGENT_TEXT } from './fencing.js';

/** The agent with the host's loopback in place of the address that guests see it by. */
const AGENT = FENCE_AGENT_TEXT.replaceAll('10.0.2.2', '127.0.0.1').replace(/logger /, 'true ');
const folder = mkdtempSync(join(tmpdir(), 'holdfast-fence-'));
const path = join(folder, 'agent');
writeFileSync(path, AGENT);
chmodSync(path, 0o755);
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** A monitor of a machine: it names itself, and `quit` does what `onQuit` says. */
function monitor(name: string, onQuit: (server: Server, socket: Socket) => void): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('{"QMP": {"version": {}}}\r\n');
      socket.on('data', (chunk) => {
        const text = chunk.toString();
        if (text.includes('query-name')) {
          socket.write('{"event": "NIC_RX_FILTER_CHANGED"}\r\n');
          socket.write(`{"return": {"name": "${name}"}}\r\n`);
        } else if (text.includes('quit')) onQuit(server, socket);
        else socket.write('{"return": {}}\r\n');
      });
    });
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function fence(port: number, machine: string): Promise<CommandResult> {
  const input = `node=3\nmonitor=${port}\nmachine=${machine}\n`;
  return attempt('bash', [path], { input, timeoutMs: 40_000 });
}

const closeAll = (server: Server, socket: Socket): void => {
  server.close();
  socket.end('{"return": {}}\r\n');
};

test('dlm.conf names one device and how it reaches each node, and leaves fencing on', (t) => {
  const text = dlmConfigText([
    { nodeId: 1, machine: 'a-n1', port: 4001 },
    { nodeId: 2, machine: 'a-n2', port: 4002 },
  ]);
  t.true(text.includes('\nenable_fencing=1\n'));
  t.true(text.includes('\npost_join_delay=2\n'));
  t.regex(text, new RegExp(`\\n\\ndevice lab ${FENCE_AGENT_PATH}\\nconnect lab node=1 monitor=4001`));
  t.true(text.includes('\nconnect lab node=2 monitor=4002 machine=a-n2\n'));
});

test('the agent is a script that bash can read', (t) => {
  t.is(spawnSync('bash', ['-n', path]).status, 0);
});

test('a victim that quits and whose monitor is gone then has been fenced', async (t) => {
  const server = await monitor('run-n3', closeAll);
  const { code, stderr } = await fence(portOf(server), 'run-n3');
  t.is(code, 0, stderr);
  t.regex(stderr, /was switched off/);
});

test('a victim whose monitor refuses the connection is off already', async (t) => {
  const server = await monitor('run-n3', closeAll);
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  const { code, stderr } = await fence(port, 'run-n3');
  t.is(code, 0, stderr);
  t.regex(stderr, /is off/);
});

test('a victim that says it quits and stays is not fenced', async (t) => {
  let asked = 0;
  const server = await monitor('run-n3', (_, socket) => {
    asked++;
    socket.end('{"return": {}}\r\n');
  });
  const { code, stderr } = await fence(portOf(server), 'run-n3');
  server.close();
  t.is(code, 1, stderr);
  t.true(asked > 1);
});

test('a machine of another name is left alone and the fencing fails', async (t) => {
  let asked = 0;
  const server = await monitor('other-n3', () => asked++);
  const { code, stderr } = await fence(portOf(server), 'run-n3');
  server.close();
  t.is(code, 1);
  t.is(asked, 0);
  t.regex(stderr, /is not of run-n3/);
});

test('an agent without arguments fails', (t) => {
  t.throws(() => execFileSync('bash', [path], { input: 'node=3\n', stdio: 'pipe' }));
});
