import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { openControlClient, type ControlClient } from '../../src/control/client.js';
import type { ControlLog } from '../../src/control/log.js';
import { startControlServer, type ControlServer } from '../../src/control/server.js';
import { FakeService } from './fake-service.js';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export class MemoryLog implements ControlLog {
  readonly lines: LogLine[] = [];

  info(message: string, facts: LogLine['facts']): void {
    this.lines.push({ level: 'info', message, facts });
  }

  warn(message: string, facts: LogLine['facts']): void {
    this.lines.push({ level: 'warn', message, facts });
  }

  error(message: string, facts: LogLine['facts']): void {
    this.lines.push({ level: 'error', message, facts });
  }
}

/** A directory that is gone when the test has ended. */
export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-control-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface Served {
  readonly service: FakeService;
  readonly socketPath: string;
  readonly client: ControlClient;
  readonly log: MemoryLog;
  readonly server: ControlServer;
}

/** A served fake coordinator and a client for it, on a socket of its own. */
export async function serve(t: ExecutionContext): Promise<Served> {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 'control.sock');
  const service = new FakeService();
  const log = new MemoryLog();
  const server = await startControlServer({ service, socketPath, log });
  t.teardown(() => server.close());
  return { service, socketPath, client: openControlClient({ socketPath }), log, server };
}

export interface RawAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One request as bytes, past the client's own rules. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body: string | null = null,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(body ?? undefined);
  });
}

/** Resolves when `isSo` says so; fails after `timeoutMs` ms. */
export async function until(isSo: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > deadline) {
      throw new Error(`not so within ${timeoutMs} ms: ${isSo.toString()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
