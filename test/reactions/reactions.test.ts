import test, { type ExecutionContext } from 'ava';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import type { Reaction } from '../../src/config/index.js';
import type { CoordinatorEvent } from '../../src/coordinator/core/view.js';
import { Reactions, RUNNING_MAX } from '../../src/reactions/reactions.js';
import type { ProgramEnd, ProgramRun } from '../../src/reactions/run-program.js';
import { lockEvent, nodeEvent, STATUS } from './sample.js';

const OK: ProgramEnd = { failure: null, output: '' };
const FAILED: ProgramEnd = { failure: 'ended with exit code 1', output: 'no route' };

interface Run {
  readonly run: ProgramRun;
  end(end: ProgramEnd): void;
}

/** A subject to publish from, and programs that end when the test says so. */
class Setting {
  readonly runs: Run[] = [];
  readonly logged: string[] = [];
  readonly warnings = new Map<string, string | null>();
  readonly directory: string;
  readonly #reactions: readonly Reaction[];
  #listener: ((event: CoordinatorEvent) => void) | null = null;
  reactions: Reactions | null = null;

  constructor(directory: string, reactions: readonly Partial<Reaction>[]) {
    this.directory = directory;
    this.#reactions = reactions.map((one) => ({
      on: ['lock-granted'], command: ['/bin/one'], resources: null, timeoutMs: 1_000, retries: 0,
      retryDelayMs: 1, ...one,
    }));
  }

  async start(): Promise<this> {
    const subject = {
      status: () => STATUS,
      nodeId: 1,
      locks: () => [],
      subscribe: (listener: (event: CoordinatorEvent) => void) => {
        this.#listener = listener;
        return () => (this.#listener = null);
      },
      warn: (topic: string, text: string | null) => void this.warnings.set(topic, text),
    };
    this.reactions = await Reactions.start(this.#reactions, this.directory, subject, {
      clock: systemClock,
      log: (level, message) => void this.logged.push(`${level}: ${message}`),
      run: (run, _clock, signal) => new Promise((end) => {
        signal.addEventListener('abort', () => end({ failure: 'stopped', output: '' }));
        this.runs.push({ run, end });
      }),
    });
    return this;
  }

  publish(event: CoordinatorEvent): void {
    this.#listener?.(event);
  }

  /** Waits, bounded, until that many programs have been started in all. */
  async started(count: number): Promise<readonly Run[]> {
    for (let turn = 0; turn < 2_000 && this.runs.length < count; turn += 1) await tick();
    return this.runs;
  }

  async due(): Promise<readonly string[]> {
    return readdir(join(this.directory, 'reactions'));
  }

  async dueBecomes(t: ExecutionContext, count: number): Promise<void> {
    for (let turn = 0; turn < 2_000 && (await this.due()).length !== count; turn += 1) await tick();
    t.is((await this.due()).length, count);
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 2));
}

function nodeIdOf({ input }: ProgramRun): number | undefined {
  return (JSON.parse(input) as { node?: { id: number } }).node?.id;
}

async function settingOf(
  t: ExecutionContext,
  reactions: readonly Partial<Reaction>[],
): Promise<Setting> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-reactions-'));
  const setting = await new Setting(directory, reactions).start();
  t.teardown(async () => {
    await setting.reactions?.close();
    await rm(directory, { recursive: true });
  });
  return setting;
}

test('a reaction gets the event on its input and is forgotten when it succeeds', async (t) => {
  const setting = await settingOf(t, [{}]);
  setting.publish(lockEvent('held'));
  const [one] = await setting.started(1);
  const event = JSON.parse(one?.run.input ?? '') as Record<string, unknown>;
  t.is(event['event'], 'lock-granted');
  t.like(event['lock'], { resource: 'vm-1', mode: 'EX' });
  t.is(one?.run.env['HOLDFAST_EVENT_ID'], event['id'] as string);
  t.is((await setting.due()).length, 1);
  one?.end(OK);
  await setting.dueBecomes(t, 0);
});

test('a reaction runs only for its events and its resources', async (t) => {
  const setting = await settingOf(t, [
    { on: ['node-down'], command: ['/bin/node'] },
    { resources: ['vm-*', 'exact'], command: ['/bin/vm'] },
  ]);
  for (const resource of ['web', 'vm-7', 'exact', 'exactly']) {
    setting.publish(lockEvent('held', { resource }));
  }
  setting.publish(nodeEvent(2, 'node-down'));
  const runs = await setting.started(3);
  await tick();
  const started = runs.map(({ run }) => run.command[0]);
  t.deepEqual(started.sort(), ['/bin/node', '/bin/vm', '/bin/vm']);
});

test('a failed attempt is repeated as configured, then given up visibly', async (t) => {
  const setting = await settingOf(t, [{ retries: 2 }]);
  setting.publish(lockEvent('held'));
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const runs = await setting.started(attempt);
    t.like(runs[attempt - 1]?.run.env, {
      HOLDFAST_ATTEMPT: String(attempt), HOLDFAST_RESOURCE: 'vm-1', HOLDFAST_OWNER: 'o',
    });
    runs[attempt - 1]?.end(FAILED);
  }
  await setting.dueBecomes(t, 0);
  t.is(setting.runs.length, 3);
  t.regex(setting.warnings.get('reactions') ?? '', /no route.*given up after 3 attempts/s);
  t.is(setting.logged.filter((line) => line.startsWith('warn:')).length, 2);
});

test('what was under way when the daemon stopped runs again, with the same id', async (t) => {
  const setting = await settingOf(t, [{}]);
  setting.publish(lockEvent('held'));
  const [first] = await setting.started(1);
  await setting.reactions?.close();
  t.is((await setting.due()).length, 1);
  await setting.start();
  const [, again] = await setting.started(2);
  t.is(again?.run.input, first?.run.input);
  again?.end(OK);
  await setting.dueBecomes(t, 0);
});

test('what had succeeded before the daemon stopped does not run again', async (t) => {
  const setting = await settingOf(t, [{}]);
  setting.publish(lockEvent('held'));
  (await setting.started(1))[0]?.end(OK);
  await setting.dueBecomes(t, 0);
  await setting.reactions?.close();
  await setting.start();
  await tick();
  t.is(setting.runs.length, 1);
});

test('a reaction that is no longer configured is dropped with a word', async (t) => {
  const setting = await settingOf(t, [{}]);
  setting.publish(lockEvent('held'));
  await setting.started(1);
  await setting.reactions?.close();
  const other = await new Setting(setting.directory, [{ command: ['/bin/other'] }]).start();
  t.teardown(() => other.reactions?.close());
  t.deepEqual(await other.due(), []);
  t.regex(other.logged.join(), /no longer configured/);
});

test('a damaged file is kept aside, and the others run', async (t) => {
  const setting = await settingOf(t, [{}]);
  setting.publish(lockEvent('held'));
  await setting.started(1);
  await setting.reactions?.close();
  const damaged = `${'0'.repeat(32)}-1-0.json`;
  await writeFile(join(setting.directory, 'reactions', damaged), '{"event":');
  await setting.start();
  await setting.started(2);
  t.is(setting.runs.length, 2);
  t.true((await setting.due()).includes(`${damaged}.damaged`));
});

test('events of one subject run in their order, one after the other', async (t) => {
  const setting = await settingOf(t, [{ on: ['node-down', 'node-recovered'] }]);
  setting.publish(nodeEvent(2, 'node-down'));
  setting.publish(nodeEvent(2, 'recovered'));
  setting.publish(nodeEvent(3, 'node-down'));
  await setting.started(2);
  await tick();
  const eventOf = ({ run }: Run) => run.env['HOLDFAST_EVENT'];
  t.deepEqual(setting.runs.map(eventOf), ['node-down', 'node-down']);
  // The two that run are of different nodes, and either may have been written down first.
  const ofNode2 = setting.runs.find(({ run }) => nodeIdOf(run) === 2);
  ofNode2?.end(OK);
  t.is((await setting.started(3)).map(eventOf)[2], 'node-recovered');
});

test(`at most ${RUNNING_MAX} commands run at a time`, async (t) => {
  const setting = await settingOf(t, [{}]);
  for (let count = 0; count < 2 * RUNNING_MAX; count += 1) {
    setting.publish(lockEvent('held', { resource: `r${count}` }));
  }
  await setting.started(RUNNING_MAX);
  await tick();
  t.is(setting.runs.length, RUNNING_MAX);
  setting.runs[3]?.end(OK);
  t.is((await setting.started(RUNNING_MAX + 1)).length, RUNNING_MAX + 1);
});

test('an event that waits behind others is written down already', async (t) => {
  const setting = await settingOf(t, [{}]);
  setting.publish(lockEvent('held'));
  setting.publish(lockEvent('lost', {}, true));
  setting.publish(lockEvent('held'));
  await setting.started(1);
  await setting.dueBecomes(t, 2);
});
