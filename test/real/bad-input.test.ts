import { fileURLToPath } from 'node:url';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { waitUntil } from '../lab/host/wait.js';
import { NetnsCluster } from '../netns/cluster.js';

interface Context {
  cluster: NetnsCluster;
}
const test = anyTest as TestFn<Context>;
const ACTS = fileURLToPath(new URL('bad-input/acts.js', import.meta.url));
const ACT_TIMEOUT_MS = 60_000;

test.before(async (t) => {
  t.timeout(90_000);
  t.context.cluster = await NetnsCluster.up({ size: 1 });
});
test.after.always(async (t) => {
  await t.context.cluster?.down();
});

/** Runs the act in a process of its own: a native abort shows as a signal, with its story. */
async function run(
  t: ExecutionContext<Context>, act: string,
  before: readonly string[] = [], flags: readonly string[] = [],
) {
  const [program = '', ...args] = [...before, process.execPath, ...flags, ACTS, act, `bad-${act}`];
  const node = t.context.cluster.node(1);
  const ended = await node.attempt(program, args, { timeoutMs: ACT_TIMEOUT_MS });
  t.is(ended.signal, null, `${act} was ended by a signal:\n${ended.stderr}`);
  return ended;
}

async function result(t: ExecutionContext<Context>, ...args: [string, string[]?, string[]?]) {
  const { code, stdout, stderr } = await run(t, ...args);
  t.is(code, 0, stderr);
  return JSON.parse(stdout) as unknown;
}

test.serial('names of wrong types, lengths and texts are refused with a code, and a good one is taken', async (t) => {
  t.deepEqual(await result(t, 'names'), {
    tellings: ['INVALID_PARAM', 'NAME_TOO_LONG'], asked: ['INVALID_PARAM', 'NAME_TOO_LONG'], after: 'ok',
  });
});

test.serial('payloads of wrong types are refused with a code, and a good one is sent', async (t) => {
  t.deepEqual(await result(t, 'payloads'), { tellings: ['INVALID_PARAM'], after: 'ok' });
});

test.serial('shared, changed, detached and pooled buffers are sent as they were at the call', async (t) => {
  t.deepEqual(await result(t, 'buffers'), {
    heard: ['ssssss', 'before', 'going!', 'whole'],
    detached: 'INVALID_PARAM', tooBig: 'TOO_BIG', largest: 'ok',
  });
});

test.serial('concurrent joins, closings over everything and calls afterwards all settle with a code', async (t) => {
  const told = await result(t, 'closings') as Record<'concurrent' | 'settled' | 'later' | 'hasty', unknown>;
  t.deepEqual(told.concurrent, ['ok', 'EXIST', 'EXIST']);
  t.deepEqual(told.later, [...Array<string>(8).fill('CLOSED'), 'ok']);
  t.is(told.hasty, 'CLOSED');
  for (const code of told.settled as string[]) t.true(['ok', 'CLOSED', 'NOT_JOINED'].includes(code), code);
});

test.serial('a listener that throws costs no other its event, and is an uncaught exception', async (t) => {
  t.deepEqual(await result(t, 'throwing'), {
    heard: ['message', 'message', 'ring', 'view'],
    caught: ['message', 'ring', 'view'].map((event) =>
      `a listener of "${event}" threw: thrown at ${event}; catch within the listener`),
  });
});

test.serial('everything may be called from within listeners', async (t) => {
  t.deepEqual(await result(t, 'inside'), {
    log: [
      'close in a message listener: ok', 'leave in one: ok', 'multicast in a view listener: ok',
      'sent and closed: ok',
    ],
    nested: true,
  });
});

test.serial('process.exit within a listener ends the process with that status', async (t) => {
  const { code, stderr } = await run(t, 'exit');
  t.is(code, 7, stderr);
});

test.serial('the garbage collector takes nothing that corosync or the loop still needs', async (t) => {
  const told = await result(t, 'garbage', [], ['--expose-gc']) as { rounds: number };
  t.is(told.rounds, 40);
});

test.serial('a hundred handles are open at once and closed again', async (t) => {
  t.timeout(ACT_TIMEOUT_MS);
  t.deepEqual(await result(t, 'handles'), { sent: ['ok'], grown: true });
});

test.serial('without descriptors left an opening is refused, and works again later', async (t) => {
  const told = await result(t, 'descriptors', ['prlimit', '--nofile=90']) as Record<string, unknown>;
  t.log(told);
  t.not(told['refusal'], 'none');
  t.not(told['refusal'], 'untyped');
  t.deepEqual([told['some'], told['after']], [true, 'ok']);
});

test.serial('descriptors that are closed and come back at once are polled as new ones', async (t) => {
  t.deepEqual(await result(t, 'reopenings'), { reused: true });
});

test.serial('pids and identities of wrong types and of nobody are nobody', async (t) => {
  t.deepEqual(await result(t, 'watching'), { identified: [null], ended: 11, watched: 11 });
});

test.serial('after corosync’s death every call says so, and nothing aborts', async (t) => {
  const node = t.context.cluster.node(1);
  const child = node.spawn(process.execPath, [ACTS, 'death', 'bad-death'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.process.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await waitUntil(() => output.includes('ready'), { what: 'the act to have joined', timeoutMs: 20_000 });
  await node.kill();
  await child.ended(20_000);
  node.start();
  await t.context.cluster.ready();
  t.is(child.process.exitCode, 0);
  t.deepEqual(JSON.parse(output.replace('ready\n', '')), {
    code: 'LOST', calls: [...Array<string>(9).fill('LOST'), 'ok', 'ok', 'LIBRARY'],
  });
});
