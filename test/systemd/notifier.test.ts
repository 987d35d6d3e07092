import test from 'ava';
import { Notifier, type SystemdCalls } from '../../src/systemd/notifier.js';
import { FakeClock } from '../support/fake-clock.js';

/** A service manager that remembers what it was told, and answers when the test says so. */
class Manager implements SystemdCalls {
  readonly told: string[] = [];
  readonly watchdog: number;
  answer: () => Promise<number> = () => Promise.resolve(1);

  constructor(watchdogUs = 0) {
    this.watchdog = watchdogUs;
  }

  notify(state: string): Promise<number> {
    this.told.push(state);
    return this.answer();
  }

  watchdogUs(): number {
    return this.watchdog;
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function notifierFor(manager: Manager, clock = new FakeClock()) {
  const logged: string[] = [];
  const notifier = new Notifier(manager, { clock, log: (_level, text) => void logged.push(text) });
  return { notifier, clock, logged };
}

test('ready and standing of one turn go as one message', async (t) => {
  const manager = new Manager();
  const { notifier } = notifierFor(manager);
  notifier.ready();
  notifier.status('ok\nREADY=0');
  await settle();
  t.deepEqual(manager.told, ['READY=1\nSTATUS=ok READY=0']);
});

test('the watchdog is told three times an interval, until the daemon stops', async (t) => {
  const manager = new Manager(30_000_000);
  const { notifier, clock } = notifierFor(manager);
  notifier.ready();
  await settle();
  t.deepEqual(manager.told, ['READY=1\nWATCHDOG=1']);
  for (let beat = 0; beat < 3; beat += 1) {
    await clock.advance(10_000);
    await settle();
  }
  t.is(manager.told.filter((text) => text === 'WATCHDOG=1').length, 3);
  await notifier.stopping();
  await clock.advance(60_000);
  t.is(manager.told.at(-1), 'STOPPING=1');
});

test('while a message is under way only the newest word of each kind waits', async (t) => {
  const manager = new Manager();
  let answer = (_status: number): void => undefined;
  manager.answer = () => new Promise((resolve) => (answer = resolve));
  const { notifier } = notifierFor(manager);
  notifier.status('one');
  await settle();
  notifier.status('two');
  notifier.status('three');
  await settle();
  t.deepEqual(manager.told, ['STATUS=one']);
  answer(1);
  await settle();
  t.deepEqual(manager.told, ['STATUS=one', 'STATUS=three']);
});

test('a manager that cannot be told is complained of, but not for ever', async (t) => {
  const manager = new Manager();
  manager.answer = () => Promise.resolve(-2);
  const { notifier, logged } = notifierFor(manager);
  for (let count = 0; count < 10; count += 1) {
    notifier.status(`text ${count}`);
    await settle();
  }
  t.is(logged.length, 3);
  t.regex(logged[0] ?? '', /errno 2/);
});
