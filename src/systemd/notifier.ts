import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';

/** The two calls of sd-daemon(3) that a service needs. Both fail with a negative errno. */
export interface SystemdCalls {
  /** Tells the service manager; 0 when nobody listens. @see sd_notify(3) */
  notify(state: string): Promise<number>;
  /** How often the manager wants to hear from us, in µs; 0 = never. @see sd_watchdog_enabled(3) */
  watchdogUs(): number;
}

export interface NotifierModules {
  readonly clock: Clock;
  log(level: 'error' | 'warn', message: string): void;
}

/** What is told in the meantime is put together; more keys than these there are not. */
type Key = 'READY' | 'STATUS' | 'STOPPING' | 'WATCHDOG';

/** One line of `systemctl status` takes no more. */
const STATUS_CHARACTERS_MAX = 200;
const FAILURES_LOGGED_MAX = 3;

/**
 * Tells the service manager that the daemon is ready, how it stands, that it stops, and, with
 * WatchdogSec=, three times within each interval that its event loop turns: only a loop that
 * hangs is restarted for, never a cluster that makes the daemon wait.
 */
export class Notifier {
  readonly #calls: SystemdCalls;
  readonly #modules: NotifierModules;
  readonly #due = new Map<Key, string>();
  #sending: Promise<void> | null = null;
  #timer: Timer | null = null;
  #failures = 0;

  constructor(calls: SystemdCalls, modules: NotifierModules) {
    this.#calls = calls;
    this.#modules = modules;
  }

  /** The control socket answers. Starts the watchdog's beat. */
  ready(): void {
    this.#tell('READY', '1');
    const intervalUs = this.#calls.watchdogUs();
    if (intervalUs > 0) this.#beat(intervalUs / 1_000 / 3);
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    const line = text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, STATUS_CHARACTERS_MAX);
    this.#tell('STATUS', line);
  }

  /** The last word: resolves when the manager has it. */
  async stopping(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#tell('STOPPING', '1');
    await this.#sending;
  }

  #beat(everyMs: number): void {
    this.#tell('WATCHDOG', '1');
    this.#timer = this.#modules.clock.setTimer(everyMs, () => this.#beat(everyMs));
  }

  #tell(key: Key, value: string): void {
    this.#due.set(key, value);
    this.#sending ??= this.#send().finally(() => (this.#sending = null));
  }

  /** One message at a time: what comes meanwhile goes with the next, the newest of each key. */
  async #send(): Promise<void> {
    // A message of this turn goes as one.
    await Promise.resolve();
    while (this.#due.size > 0) {
      const state = [...this.#due].map(([key, value]) => `${key}=${value}`).join('\n');
      this.#due.clear();
      try {
        const status = await this.#calls.notify(state);
        if (status < 0) this.#complain(`errno ${-status}`);
      } catch (error) {
        this.#complain(messageOf(error));
      }
    }
  }

  #complain(what: string): void {
    this.#failures += 1;
    if (this.#failures > FAILURES_LOGGED_MAX) return;
    this.#modules.log('error', `systemd cannot be told how the daemon is: ${what}`);
  }
}
