/**
 * Many owners of one node at work, without a line of the product: `node load.js NODE SEED PORT
 * OWNERS RESOURCES`. Each takes a lock through the control API, tells the witness that it holds
 * it, holds it for a while, tells that it will let go, and lets go: by a release, or, as a process,
 * by its end. Daemons that are away are waited for. When the witness says so all let go.
 *
 * What it complains of: a lock that it was told it holds and that is gone or was given anew.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

import { randomNumbers } from './random.js';

const SOCKET = '/run/holdfast/control.sock';
/** The host, as QEMU shows it to its guests. */
const HOST = '10.0.2.2';
/** Seldom enough that those who wait for a daemon do not starve its start. */
const RETRY_MS = 1_000;
/** Beside its own waiting; a child that comes back takes a minute on a starved machine. */
const ANSWER_MS_MAX = 180_000;
/** A daemon that is killed again and again comes back within this. */
const AWAY_MS_MAX = 600_000;

type Mode = 'EX' | 'PR';
type OwnerWord =
  | { kind: 'named'; name: string }
  | { kind: 'process'; pid: number; startTime: number };

interface Reply {
  readonly status: number;
  readonly body: {
    readonly acquired?: boolean;
    readonly released?: boolean;
    readonly lock?: { readonly generation?: number | null };
    readonly error?: { readonly code: string; readonly message: string };
  };
}

/** The request got no answer. `sent`: it may have been carried out all the same. */
class NoAnswer extends Error {
  readonly sent: boolean;

  constructor(sent: boolean, cause: unknown) {
    super(String(cause));
    this.sent = sent;
  }
}

const [node = 0, seed = 0, port = 0, owners = 0, resources = 0] = process.argv.slice(2).map(Number);
const witness = connect({ host: HOST, port });
const heard = new Map<number, () => void>();
const tally: Record<string, number> = {};
let draining = false;
let words = 0;

witness.on('error', (cause) => {
  console.error(`the witness is gone: ${String(cause)}`);
  process.exit(1);
});
createInterface({ input: witness }).on('line', (line) => {
  const word = JSON.parse(line) as { op?: string; n?: number };
  if (word.op === 'drain') draining = true;
  heard.get(word.n ?? -1)?.();
  heard.delete(word.n ?? -1);
});
say({ op: 'hello', node });
await Promise.all(Array.from({ length: owners }, (_, index) => own(index)));
say({ op: 'drained', tally });
witness.end();

/** One owner's life: odd ones are processes. */
async function own(index: number): Promise<void> {
  const random = randomNumbers(seed * 10_007 + node * 101 + index);
  const label = `n${node}-o${index}`;
  let body: ChildProcess | null = null;
  while (!draining) {
    await pause(random() * 800);
    const resource = `disk-${Math.floor(random() * resources)}`;
    const mode: Mode = random() < 0.7 ? 'EX' : 'PR';
    const waitMs = random() < 0.5 ? 0 : Math.round(random() * 8_000);
    if (index % 2 === 1) body ??= await startBody();
    const owner = body === null ? { kind: 'named' as const, name: label } : processOwner(body);
    const reply = await acquire({ resource, mode, owner, waitMs });
    if (reply === null) continue;
    const holder = `${label}${body === null ? '' : `-${body.pid}`}`;
    await tell({ op: 'begin', node, owner: holder, resource, mode,
      generation: reply.body.lock?.generation ?? null });
    // Mostly short; some outlive the daemon's death, its absence and its return.
    await hold(random() < 0.7 ? random() * 2_000 : random() * 25_000);
    if (random() < 0.3) await confirm({ resource, mode, owner, waitMs: 0 }, holder);
    await tell({ op: 'end', owner: holder, resource });
    if (body !== null && random() < 0.5) {
      count('released by the end of a process');
      body.kill('SIGKILL');
      await once(body, 'exit');
      body = null;
    } else await release({ resource, owner }, holder);
  }
  body?.kill('SIGKILL');
}

async function hold(forMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  while (!draining && performance.now() < endMs) {
    await pause(Math.min(200, endMs - performance.now()));
  }
}

interface Asked {
  readonly resource: string;
  readonly mode: Mode;
  readonly owner: OwnerWord;
  readonly waitMs: number;
}

/** The grant, or null: then nothing is left held, not even by a request without an answer. */
async function acquire(asked: Asked): Promise<Reply | null> {
  const endMs = performance.now() + AWAY_MS_MAX;
  let unsure = false;
  for (;;) {
    try {
      const reply = await post('acquire', asked, asked.waitMs);
      if (reply.status === 200) {
        count(reply.body.acquired === true ? 'acquired' : 'acquired by a request without an answer');
        if (reply.body.acquired === false && !unsure) complain(`${asked.resource}: held before it was taken`);
        return reply;
      }
      count(`refused ${reply.body.error?.code}`);
      if (!isPassing(reply)) break;
    } catch (thrown) {
      unsure ||= isSent(thrown);
      count('acquires without an answer');
    }
    if (draining || performance.now() > endMs) break;
    await pause(RETRY_MS);
  }
  if (unsure) await release(asked, null);
  return null;
}

/** The daemon starts, adopts, or has just lost its child: what it says of others is no answer. */
function isPassing({ body }: Reply): boolean {
  const code = body.error?.code ?? '';
  return !['HELD', 'TIMEOUT'].includes(code);
}

/** Asks again for what it holds: it must be said that it has it, as far as anything is said. */
async function confirm(asked: Asked, holder: string): Promise<void> {
  try {
    const { status, body } = await post('acquire', asked, 0);
    if (status === 200 && body.acquired !== false) {
      complain(`${holder} was given '${asked.resource}' anew while it held it: it was lost`);
    }
    if (body.error?.code === 'HELD') {
      complain(`${holder} holds '${asked.resource}' and is refused: ${body.error.message}`);
    }
    count(status === 200 ? 'confirmed' : 'not confirmed for now');
  } catch {
    count('not confirmed for now');
  }
}

/** Lets go; `holder` is who was told that it holds, null when it may hold without knowing. */
async function release(
  asked: { readonly resource: string; readonly owner: OwnerWord }, holder: string | null,
): Promise<void> {
  const endMs = performance.now() + AWAY_MS_MAX;
  const { resource, owner } = asked;
  let unsure = holder === null;
  for (;;) {
    try {
      const { status, body } = await post('release', { resource, owner }, 0);
      if (status === 200 && body.released === true) return count('released');
      if (status === 200 || body.error?.code === 'NOT_OWNER' || body.error?.code === 'NOT_HELD') {
        const now = JSON.stringify(body);
        if (!unsure) complain(`${holder} was told that it holds '${resource}', and now: ${now}`);
        return count('nothing to release');
      }
      count(`release refused ${body.error?.code}`);
    } catch (thrown) {
      unsure ||= isSent(thrown);
      count('releases without an answer');
    }
    if (performance.now() > endMs) {
      return complain(`${holder ?? 'an unsure owner'} could not release '${resource}'`);
    }
    await pause(RETRY_MS);
  }
}

function post(path: string, value: object, waitMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let sent = false;
    const call = request({
      socketPath: SOCKET, path: `/v1/${path}`, method: 'POST', agent: false,
      headers: { 'content-type': 'application/json' }, timeout: waitMs + ANSWER_MS_MAX,
    }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', (cause) => reject(new NoAnswer(true, cause)));
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Reply['body'] });
        } catch (cause) {
          reject(new NoAnswer(true, cause));
        }
      });
    });
    call.on('socket', (socket) => socket.once('connect', () => (sent = true)));
    call.on('timeout', () => {
      complain(`the daemon of n${node} did not answer ${path} in ${waitMs + ANSWER_MS_MAX} ms`);
      call.destroy();
    });
    call.on('error', (cause) => reject(new NoAnswer(sent, cause)));
    call.end(JSON.stringify(value));
  });
}

function isSent(thrown: unknown): boolean {
  if (thrown instanceof NoAnswer) return thrown.sent;
  throw thrown;
}

async function startBody(): Promise<ChildProcess> {
  const body = spawn('sleep', ['100000'], { stdio: 'ignore' });
  await once(body, 'spawn');
  return body;
}

function processOwner({ pid = 0 }: ChildProcess): OwnerWord {
  const startTime = Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[21]);
  return { kind: 'process', pid, startTime };
}

/** Tells the witness and returns when it has heard. */
async function tell(word: object): Promise<void> {
  const n = (words += 1);
  const answer = new Promise<void>((resolve) => heard.set(n, resolve));
  say({ ...word, n });
  await answer;
}

function complain(text: string): void {
  say({ op: 'complain', text });
}

function say(word: object): void {
  witness.write(`${JSON.stringify(word)}\n`);
}

function count(what: string): void {
  tally[what] = (tally[what] ?? 0) + 1;
}
