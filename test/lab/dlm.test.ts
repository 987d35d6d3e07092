import anyTest, { type TestFn } from 'ava';
import { startLab, type Lab } from './cluster.js';
import { DEPLOY_PATH } from './deployment.js';
import { waitUntil } from './host/wait.js';

/** The real lock manager on three machines. Serial: the later tests take the cluster apart. */
const test = anyTest as TestFn<{ lab: Lab }>;

const PROBE = `${DEPLOY_PATH}/build/test/lab/dlm-probe.js`;
const PROBE_TIMEOUT_MS = 90_000;

interface Line {
  readonly step: string;
  readonly ok?: boolean;
  readonly code?: string;
  readonly ms?: number;
  readonly value?: unknown;
}

test.before(async (t) => {
  t.timeout(900_000);
  const lab = await startLab({ progress: (line) => t.log(line) });
  t.context.lab = lab;
  await lab.startCluster();
  await lab.deploy();
  // Joined one after the other and for good: each test finds a lockspace of three members.
  for (const node of [1, 2, 3]) {
    await lab.node(node).start('member', ['node', PROBE, 'test', 'open', 'stay']);
    await journal(lab, node, 'member', /"step":"open".*"ok":true/);
  }
});

test.after.always(async (t) => {
  await (t.context.lab as Lab | undefined)?.stop();
});

test.serial('a lock is refused elsewhere while it is held, and free after its unlock', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  await hold(lab, 1, 'holder', 'take:a:EX');
  t.is(summary(await probe(lab, 2, 'open', 'take:a:PR', 'take:a:NL', 'unlock:a')),
    'open ok, take:a:PR WOULD_BLOCK, take:a:NL ok, unlock:a ok');
  await end(lab, 1, 'holder');
  t.is(summary(await probe(lab, 1, 'open', 'adopt:a:EX', 'unlock:a')),
    'open ok, adopt:a:EX ok, unlock:a ok');
  t.is(summary(await probe(lab, 2, 'open', 'take:a:EX', 'convert:a:PR', 'unlock:a')),
    'open ok, take:a:EX ok, convert:a:PR ok, unlock:a ok');
});

test.serial('a take that waits is granted at the unlock, or leaves nothing when cancelled', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  const lines = await probe(lab, 1, 'open', 'take:b:EX');
  t.is(summary(lines), 'open ok, take:b:EX ok');
  // Two takes of one node exclude each other like those of two nodes.
  const inOne = await probe(lab, 1, 'open', 'adopt:b:EX', 'wait:c:EX', 'granted:c', 'unlock:c',
    'unlock:b', 'locks');
  t.is(summary(inOne.slice(0, -1)),
    'open ok, adopt:b:EX ok, wait:c:EX ok, granted:c ok, unlock:c ok, unlock:b ok');
  await hold(lab, 2, 'holder', 'take:d:EX', 'sleep:8000', 'unlock:d');
  const waited = await probe(lab, 1, 'open', 'wait:d:EX', 'queued:d', 'cancel:d', 'granted:d',
    'locks', 'wait:d:PR', 'granted:d', 'unlock:d', 'locks');
  t.is(summary(waited.filter(({ step }) => step !== 'locks')),
    'open ok, wait:d:EX ok, queued:d ok, cancel:d ok, granted:d CANCELED, wait:d:PR ok, '
    + 'granted:d ok, unlock:d ok');
  for (const line of waited.filter(({ step }) => step === 'locks')) {
    t.deepEqual(line.value, []);
  }
  await end(lab, 2, 'holder');
});

test.serial('what a killed child held is an orphan that excludes others until adopted', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  t.is(summary(await probe(lab, 1, 'open', 'take:vm 7 "x":EX', 'take:s:PR', 'kill-child')),
    'open ok, take:vm 7 "x":EX ok, take:s:PR ok, lost CHILD_LOST, kill-child ok');
  t.is(summary(await probe(lab, 2, 'open', 'take:vm 7 "x":PR', 'adopt:vm 7 "x":EX', 'take:s:EX')),
    'open ok, take:vm 7 "x":PR WOULD_BLOCK, adopt:vm 7 "x":EX NO_ORPHAN, take:s:EX WOULD_BLOCK');
  const lines = await probe(lab, 1, 'open', 'locks', 'adopt:vm 7 "x":PR', 'adopt:none:EX',
    'adopt:vm 7 "x":EX', 'adopt:s:PR', 'locks', 'release', 'unlock:vm 7 "x"', 'unlock:s');
  t.is(summary(lines.filter(({ step }) => step !== 'locks')),
    'open ok, adopt:vm 7 "x":PR OTHER_MODE, adopt:none:EX NO_ORPHAN, adopt:vm 7 "x":EX ok, '
    + 'adopt:s:PR ok, release LOCKSPACE_BUSY, unlock:vm 7 "x" ok, unlock:s ok');
  t.log(lines.map(({ step, ms }) => `${step} ${ms} ms`).join(', '));
  const [before, after] = lines.filter(({ step }) => step === 'locks')
    .map(({ value }) => (value as { resource: string; granted: string; orphan: boolean }[])
      .map(({ resource, granted, orphan }) => `${resource} ${granted} ${orphan}`).sort());
  t.deepEqual(before, ['s PR true', 'vm 7 "x" EX true']);
  t.deepEqual(after, ['s PR false', 'vm 7 "x" EX false']);
});

test.serial('a waiting take of a killed child becomes an orphan in NL and blocks nobody', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  await hold(lab, 2, 'holder', 'take:e:EX');
  await probe(lab, 1, 'open', 'wait:e:EX', 'queued:e', 'kill-child');
  await end(lab, 2, 'holder');
  t.is(summary(await probe(lab, 2, 'open', 'adopt:e:EX', 'unlock:e', 'take:e:EX', 'unlock:e')),
    'open ok, adopt:e:EX ok, unlock:e ok, take:e:EX ok, unlock:e ok');
  t.is(summary(await probe(lab, 1, 'open', 'adopt:e:EX', 'adopt:e:NL', 'unlock:e')),
    'open ok, adopt:e:EX OTHER_MODE, adopt:e:NL ok, unlock:e ok');
});

test.serial('the child dies with its daemon, also when that is killed', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  const pid = await hold(lab, 3, 'holder', 'take:f:EX');
  const children = async (): Promise<string> =>
    (await lab.node(3).attempt(`pgrep -P ${pid} || true`)).stdout.trim();
  const child = await children();
  t.regex(child, /^\d+$/);
  await lab.node(3).killProcess(pid);
  await waitUntil(async () => (await lab.node(3).attempt(`test -d /proc/${child}`)).code !== 0,
    { what: 'the child to end', timeoutMs: 10_000 });
  t.is(summary(await probe(lab, 3, 'open', 'adopt:f:EX', 'unlock:f')),
    'open ok, adopt:f:EX ok, unlock:f ok');
});

test.serial('a lockspace is left only when this node holds nothing in it', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  // Other nodes' locks that this node is master for must not keep it in.
  t.is(summary(await probe(lab, 1, 'open', 'take:m:EX', 'unlock:m'), ), 'open ok, take:m:EX ok, unlock:m ok');
  await probeIn(lab, 'small', 1, 'open', 'take:m:EX', 'kill-child');
  t.is(summary(await probeIn(lab, 'small', 1, 'open', 'release', 'locks')).split(', locks')[0],
    'open ok, release LOCKSPACE_BUSY');
  t.is(summary(await probeIn(lab, 'small', 1, 'open', 'adopt:m:EX', 'release', 'unlock:m')),
    'open ok, adopt:m:EX ok, release LOCKSPACE_BUSY, unlock:m ok');
  const left = await probeIn(lab, 'small', 1, 'open', 'release', 'state');
  t.is(summary(left), 'open ok, release ok, state ok');
  t.deepEqual(left.at(-1)?.value, { kind: 'absent' });
});

test.serial('a node leaves though it is master for the locks of others', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  // The first to use a name becomes its master in a lockspace of two where it is alone first.
  await lab.node(1).start('small1', ['node', PROBE, 'pair', 'open', 'take:p:PR', 'stay']);
  await journal(lab, 1, 'small1', /"step":"take:p:PR".*"ok":true/);
  await lab.node(2).start('small2', ['node', PROBE, 'pair', 'open', 'take:p:PR', 'stay']);
  await journal(lab, 2, 'small2', /"step":"take:p:PR".*"ok":true/);
  await end(lab, 1, 'small1');
  const left = await probeIn(lab, 'pair', 1, 'open', 'adopt:p:PR', 'unlock:p', 'release', 'state');
  t.is(summary(left), 'open ok, adopt:p:PR ok, unlock:p ok, release ok, state ok');
  t.deepEqual(left.at(-1)?.value, { kind: 'absent' });
  t.is(summary(await probeIn(lab, 'pair', 1, 'open', 'take:p:EX', 'release')).split(',')[1],
    ' take:p:EX WOULD_BLOCK', 'the other node kept its lock');
  await end(lab, 2, 'small2');
});

test.serial('the example adopts what a killed run of it left on its node', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  const example = `${DEPLOY_PATH}/examples/mutex.mjs`;
  const { pid } = await lab.node(1).start('mutex',
    ['node', example, 'disk', 'sh', '-c', 'echo holding; exec sleep 600']);
  await journal(lab, 1, 'mutex', /holding/);
  await lab.node(1).killProcess(pid);
  // Were the orphan not adopted, this would wait for it.
  const again = await lab.node(1).exec(`node ${example} disk echo again`,
    { timeoutMs: PROBE_TIMEOUT_MS });
  t.is(again.stdout.trim(), 'again');
  const other = await lab.node(2).exec(`node ${example} disk echo freed`,
    { timeoutMs: PROBE_TIMEOUT_MS });
  t.is(other.stdout.trim(), 'freed');
});

test.serial('latencies', async (t) => {
  t.timeout(300_000);
  const lines = await probe(t.context.lab, 1, 'open', 'bench:400');
  t.log(JSON.stringify(lines.at(-1)?.value));
  t.is(summary(lines), 'open ok, bench:400 ok');
});

test.serial('a lockspace waits for fencing of a dead node and then runs without it', async (t) => {
  t.timeout(600_000);
  const { lab } = t.context;
  t.deepEqual(await stateOf(lab, 1), { kind: 'running', members: [1, 2, 3] });
  t.deepEqual((await probe(lab, 1, 'view')).at(0)?.value, { fencing: true });
  await Promise.all([1, 2].map((node) => lab.node(node).breakFencing()));
  await lab.node(3).powerOff();
  const seen = new Set<string>();
  await waitUntil(async () => {
    const state = await stateOf(lab, 1);
    seen.add(JSON.stringify(state));
    t.false(state.kind === 'running' && state.members?.includes(3) === false,
      'running without the dead node before it was fenced');
    return state.kind === 'waiting' && state.for === 'fencing';
  }, { what: 'a lockspace that waits for fencing', timeoutMs: 120_000 });
  await Promise.all([1, 2].map((node) => lab.node(node).repairFencing()));
  await lab.node(1).attempt('dlm_tool fence_ack 3');
  await waitUntil(async () => {
    const state = await stateOf(lab, 1);
    seen.add(JSON.stringify(state));
    return state.kind === 'running' && state.members?.join() === '1,2';
  }, { what: 'a lockspace that runs without node 3', timeoutMs: 120_000 });
  t.log([...seen].join('\n'));
});

test.serial('without quorum a lockspace waits, and calls to it are stalled', async (t) => {
  t.timeout(600_000);
  const { lab } = t.context;
  await hold(lab, 1, 'holder', 'take:g:EX', 'sleep:60000', 'unlock:g');
  await lab.node(2).powerOff();
  const state = await waitUntil(async () => {
    const now = await stateOf(lab, 1);
    return now.kind === 'waiting' ? now : null;
  }, { what: 'a lockspace that waits', timeoutMs: 120_000 });
  t.log(JSON.stringify(state));
  await journal(lab, 1, 'holder', /"step":"stalled"/, 150_000);
  const last = await waitUntil(async () => {
    const now = await stateOf(lab, 1);
    return now.for === 'quorum' ? now : null;
  }, { what: 'a lockspace that waits for quorum', timeoutMs: 60_000 });
  t.deepEqual(last.members, [1, 2]);
});

test.serial('without dlm_controld a lockspace is abandoned', async (t) => {
  t.timeout(300_000);
  const { lab } = t.context;
  await lab.node(1).exec('pkill -KILL -x dlm_controld');
  const state = await waitUntil(async () => {
    const now = await stateOf(lab, 1);
    return now.kind === 'abandoned' ? now : null;
  }, { what: 'an abandoned lockspace', timeoutMs: 60_000 });
  t.log(JSON.stringify(state));
  t.is((await probe(lab, 1, 'view')).at(0)?.code, 'NO_DAEMON');
  t.is((await probeIn(lab, 'other', 1, 'open')).at(0)?.code, 'NO_DAEMON');
});

/** Runs the probe in a guest to its end; the lines that it printed. */
function probe(lab: Lab, node: number, ...steps: string[]): Promise<Line[]> {
  return probeIn(lab, 'test', node, ...steps);
}

async function probeIn(
  lab: Lab, lockspace: string, node: number, ...steps: string[]
): Promise<Line[]> {
  const words = [lockspace, ...steps].map((word) => `'${word}'`).join(' ');
  const { stdout } = await lab.node(node).exec(`node ${PROBE} ${words}`,
    { timeoutMs: PROBE_TIMEOUT_MS });
  return linesOf(stdout);
}

/** Runs the probe in the background until it is ended; returns when the first lock is taken. */
async function hold(lab: Lab, node: number, unit: string, ...steps: string[]): Promise<number> {
  const { pid } = await lab.node(node).start(unit, ['node', PROBE, 'test', 'open', ...steps, 'stay']);
  await journal(lab, node, unit, /"step":"take:.*"ok":true/);
  return pid;
}

/** Ends what `hold` began, by SIGTERM, and waits until its child is gone too. */
async function end(lab: Lab, node: number, unit: string): Promise<void> {
  await lab.node(node).exec(`systemctl stop ${unit}`);
}

async function journal(
  lab: Lab, node: number, unit: string, pattern: RegExp, timeoutMs = 60_000,
): Promise<void> {
  await waitUntil(async () => {
    const { stdout } = await lab.node(node).exec(`journalctl -o cat -u ${unit}`);
    return pattern.test(stdout);
  }, { what: `${String(pattern)} in the journal of ${unit} on node ${node}`, timeoutMs });
}

interface State {
  readonly kind: string;
  readonly for?: string;
  readonly members?: readonly number[];
}

async function stateOf(lab: Lab, node: number): Promise<State> {
  return (await probe(lab, node, 'state')).at(0)?.value as State;
}

function linesOf(stdout: string): Line[] {
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as Line);
}

function summary(lines: readonly Line[]): string {
  return lines.map(({ step, ok, code }) => `${step} ${ok === true ? 'ok' : code ?? '?'}`).join(', ');
}
