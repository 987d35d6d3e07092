/**
 * One process of the conformance suite in a guest: opens the lockspace named by its argument and
 * does what lines of JSON on stdin ask, `{op, call, id, request}`; answers `{op, code, value}`.
 * Locks go by the caller's numbers. Events come as `{event, ...}`. A second argument holds the
 * request of the opening, as JSON.
 */
import { createInterface } from 'node:readline';
import { DlmError, openLockManager } from '../../src/dlm/index.js';
import type {
  ConvertRequest, LockId, OpenRequest, PurgeRequest, ReleaseRequest, TakeRequest, UnlockRequest,
} from '../../src/dlm/index.js';
import { decodeLine, encodeLine } from './json-line.js';

interface Call {
  readonly op: number;
  readonly call: string;
  readonly id: number;
  readonly request: unknown;
}

const name = process.argv[2] ?? 'test';
const manager = openLockManager({ log: (message) => console.error(message) });
const lockspace = await open(JSON.parse(process.argv[3] ?? '{}') as OpenRequest);
const ids = new Map<number, LockId>();

lockspace.on('blocking', (_id, mode) => say({ event: 'blocking', mode }));
lockspace.on('stalled', (operations) => say({ event: 'stalled', operations }));
say({ op: 0, code: 'ok', value: process.pid });
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const call = decodeLine(line) as Call;
  run(call).then(
    (value) => say({ op: call.op, code: 'ok', value: value ?? null }),
    (error: unknown) => say({ op: call.op, ...failureOf(error) }),
  );
});
lines.on('close', () => void manager.close());

async function open(request: OpenRequest) {
  try {
    return await manager.openLockspace(name, request);
  } catch (error) {
    say({ op: 0, ...failureOf(error) });
    process.exit(1);
  }
}

async function run({ call, id, request }: Call): Promise<unknown> {
  const known = ids.get(id) ?? (id as LockId);
  switch (call) {
    case 'take': {
      const taken = lockspace.take(request as TakeRequest);
      ids.set(id, taken.id);
      return taken.granted;
    }
    case 'adopt': {
      const adopted = await lockspace.adopt(request as TakeRequest);
      return void ids.set(id, adopted);
    }
    case 'convert': return lockspace.convert(known, request as ConvertRequest);
    case 'cancel': return lockspace.cancel(known);
    case 'deadlockCancel': return lockspace.deadlockCancel(known);
    case 'unlock': return lockspace.unlock(known, request as UnlockRequest);
    case 'purge': return lockspace.purge(request as PurgeRequest);
    case 'localLocks': return lockspace.localLocks();
    case 'resources': return lockspace.resources();
    case 'replyWaits': return lockspace.replyWaits();
    case 'versions': return lockspace.versions();
    case 'release': return lockspace.release(request as ReleaseRequest);
    case 'close': return lockspace.close();
    case 'state': return manager.lockspaceState(name);
    case 'clusterView': return manager.clusterView();
    default: throw new Error(`no call is named ${call}`);
  }
}

function failureOf(error: unknown): object {
  const code = error instanceof DlmError ? error.code : 'BUG';
  return { code, value: error instanceof Error ? error.message : String(error) };
}

function say(message: object): void {
  process.stdout.write(encodeLine(message));
}
