/**
 * A guest's hand on the lock manager: runs the steps given as arguments in one lockspace and
 * prints one line of JSON for each. `node dlm-probe.js LOCKSPACE STEP...`, where a step is
 * `open`, `take:RESOURCE:MODE` (refused or granted at once), `wait:RESOURCE:MODE` (begins to wait),
 * `queued:RESOURCE` (until the kernel shows it waiting), `granted:RESOURCE` (awaits what `wait`
 * began), `cancel:RESOURCE`, `convert:RESOURCE:MODE`, `unlock:RESOURCE`, `adopt:RESOURCE:MODE`,
 * `locks`, `state`, `view`, `release`, `close`, `bench:COUNT`, `sleep:MS`, `kill-child`, `stay`.
 * Where a name has colons, `|` stands for those between the words.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DlmError, openLockManager } from '../../src/dlm/index.js';
import type { LockId, LockMode, Lockspace } from '../../src/dlm/index.js';

const [name = 'test', ...steps] = process.argv.slice(2);
const manager = openLockManager({ log: (message) => console.error(message) });
const ids = new Map<string, LockId>();
const waits = new Map<string, Promise<unknown>>();
let lockspace: Lockspace | null = null;

for (const step of steps) {
  const startMs = performance.now();
  let outcome: object;
  try {
    outcome = { ok: true, value: await run(step) ?? null };
  } catch (error) {
    outcome = error instanceof DlmError
      ? { ok: false, code: error.code, status: error.status, message: error.message }
      : { ok: false, code: 'BUG', message: String(error) };
  }
  console.log(JSON.stringify({ step, ms: Math.round(performance.now() - startMs), ...outcome }));
}
await manager.close();

async function run(step: string): Promise<unknown> {
  const [verb = '', resource = '', mode = 'EX'] = step.split(step.includes('|') ? '|' : ':');
  const asked = mode as LockMode;
  switch (verb) {
    case 'open':
      lockspace = await manager.openLockspace(name);
      lockspace.on('lost', (cause) => console.log(JSON.stringify({ step: 'lost', code: cause.code })));
      lockspace.on('stalled', (operations) =>
        console.log(JSON.stringify({ step: 'stalled', operations })));
      return;
    case 'take': {
      const { id, granted } = opened().take({ resource, mode: asked, wait: false });
      await granted;
      ids.set(resource, id);
      return;
    }
    case 'wait': {
      const { id, granted } = opened().take({ resource, mode: asked, wait: true });
      granted.catch(() => undefined);
      ids.set(resource, id);
      waits.set(resource, granted);
      return;
    }
    case 'queued': return queued(resource);
    case 'granted': return waits.get(resource);
    case 'cancel': return opened().cancel(idOf(resource));
    case 'convert': return opened().convert(idOf(resource), { mode: asked, wait: false });
    case 'unlock': return opened().unlock(idOf(resource));
    case 'adopt':
      return void ids.set(resource, await opened().adopt({ resource, mode: asked }));
    case 'locks': return opened().localLocks();
    case 'state': return manager.lockspaceState(name);
    case 'view': return manager.controllerView();
    case 'release': return opened().release();
    case 'close': return opened().close();
    case 'bench': return bench(Number(resource));
    case 'sleep': return void await sleep(Number(resource));
    case 'kill-child': return killChild();
    case 'stay': return sleep(3_600_000);
    default: throw new Error(`no step is called ${verb}`);
  }
}

async function queued(resource: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const locks = await opened().localLocks();
    if (locks.some((lock) => lock.resource === resource && lock.status === 'converting')) {
      return;
    }
    await sleep(50);
  }
  throw new Error(`${resource} was not seen waiting`);
}

/** Kills the child as the OOM killer would, and waits until it is told. */
async function killChild(): Promise<number> {
  const lost = new Promise((resolve) => opened().once('lost', resolve));
  for (const entry of await readdir('/proc')) {
    if (/^\d+$/.test(entry) && await parentOf(entry) === process.pid) {
      process.kill(Number(entry), 'SIGKILL');
      await lost;
      return Number(entry);
    }
  }
  throw new Error('this process has no child');
}

async function parentOf(pid: string): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]);
}

/** Latencies of take and unlock of a free lock, one at a time and many at once. */
async function bench(count: number): Promise<object> {
  const latenciesMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startMs = performance.now();
    await pair(`bench-${i % 8}`);
    latenciesMs.push(performance.now() - startMs);
  }
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((latenciesMs[Math.floor(count * share)] ?? 0) * 100) / 100;
  const startMs = performance.now();
  await Promise.all(Array.from({ length: 64 }, async (_, lane) => {
    for (let i = 0; i < count / 16; i += 1) {
      await pair(`lane-${lane}`);
    }
  }));
  const pairsPerSecond = Math.round(count * 4 * 1000 / (performance.now() - startMs));
  return { p50Ms: at(0.5), p99Ms: at(0.99), pairsPerSecond64: pairsPerSecond };
}

async function pair(resource: string): Promise<void> {
  const { id, granted } = opened().take({ resource, mode: 'EX', wait: false });
  await granted;
  await opened().unlock(id);
}

function opened(): Lockspace {
  if (lockspace === null) {
    throw new Error('say "open" first');
  }
  return lockspace;
}

function idOf(resource: string): LockId {
  const id = ids.get(resource);
  if (id === undefined) {
    throw new Error(`${resource} was not taken or adopted here`);
  }
  return id;
}
