import { join } from 'node:path';
import type { Clock } from '../clock.js';
import type { Reaction } from '../config/index.js';
import type { CoordinatorEvent } from '../coordinator/core/view.js';
import { messageOf } from '../errors.js';
import { subjectOf, type ReactionEvent } from './event.js';
import { EventSource, type Knowledge } from './event-source.js';
import { runProgram, type ProgramEnd, type ProgramRun } from './run-program.js';
import { DUE_MAX, nameOf, Spool, type Due } from './spool.js';

/** Commands that run at the same time. */
export const RUNNING_MAX = 8;

/** The coordinator whose news is reacted to. */
export interface ReactionSubject extends Knowledge {
  subscribe(listener: (event: CoordinatorEvent) => void): () => void;
  /** Shows what the operator should know in `status`, until it is told null. */
  warn(topic: string, text: string | null): void;
}

export interface ReactionModules {
  readonly clock: Clock;
  log(level: 'error' | 'warn' | 'info', message: string): void;
  /** Runs a program; `runProgram` unless a test says otherwise. */
  readonly run?: (run: ProgramRun, clock: Clock, signal: AbortSignal) => Promise<ProgramEnd>;
}

interface Job {
  readonly name: string;
  readonly due: Due;
  readonly reaction: Reaction;
  /** Jobs of one command about one subject run in their order. */
  readonly lane: string;
  /** Settles when it is written down, or cannot be. */
  readonly written: Promise<void>;
  attempts: number;
}

/**
 * Runs the configured commands on what happens. Each event is written down before its command is
 * started and forgotten when that has succeeded or its retries are used up: **at least once**,
 * also across restarts of the daemon; a command tells a repetition by the event's `id`.
 *
 * Commands of one reaction about one subject (a node, a resource, this node itself) run in the
 * order of the events; all others beside each other, at most RUNNING_MAX.
 */
export class Reactions {
  readonly #reactions: readonly Reaction[];
  readonly #modules: ReactionModules;
  readonly #subject: ReactionSubject;
  readonly #source: EventSource;
  readonly #spool: Spool;
  readonly #jobs: Job[] = [];
  readonly #busyLanes = new Set<string>();
  readonly #ending = new AbortController();
  readonly #runs = new Set<Promise<void>>();
  #unsubscribe: () => void = () => undefined;
  #running = 0;
  /** How many reactions were given up or refused since the start. */
  #failures = 0;

  private constructor(
    reactions: readonly Reaction[],
    directory: string,
    subject: ReactionSubject,
    modules: ReactionModules,
  ) {
    this.#reactions = reactions;
    this.#subject = subject;
    this.#modules = modules;
    this.#source = new EventSource(subject);
    this.#spool = new Spool(directory, (message) => modules.log('error', message));
  }

  /**
   * Listens from the moment of the call, and takes up what an earlier run has left due.
   *
   * @param stateDir the daemon's own; due reactions are kept in `reactions/` there
   * @throws what the file system throws when that cannot be used
   */
  static async start(
    reactions: readonly Reaction[],
    stateDir: string,
    subject: ReactionSubject,
    modules: ReactionModules,
  ): Promise<Reactions> {
    const started = new Reactions(reactions, join(stateDir, 'reactions'), subject, modules);
    const early: CoordinatorEvent[] = [];
    let listener = (event: CoordinatorEvent): void => void early.push(event);
    started.#unsubscribe = subject.subscribe((event) => listener(event));
    try {
      await started.#takeUp();
    } catch (error) {
      started.#unsubscribe();
      throw error;
    }
    if (reactions.length === 0) {
      started.#unsubscribe();
      return started;
    }
    listener = (event) => started.#hear(event);
    for (const event of early) started.#hear(event);
    return started;
  }

  /** Ends what runs; it stays due, and the next start runs it again. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#ending.abort();
    await Promise.all([...this.#runs, ...this.#jobs.map(({ written }) => written)]);
  }

  async #takeUp(): Promise<void> {
    for (const { name, due } of await this.#spool.open(this.#reactions.length > 0)) {
      const reaction = this.#reactions.find(({ command }) => isSame(command, due.command));
      if (reaction !== undefined) {
        this.#modules.log('info', `${due.event.event} ${due.event.id} is still due: ${due.command[0]}`);
        this.#jobs.push(jobOf(name, due, reaction, Promise.resolve()));
        continue;
      }
      const what = `${due.event.event} ${due.event.id} is dropped`;
      this.#modules.log('warn', `${what}: ${due.command[0]} is no longer configured`);
      await this.#spool.remove(name);
    }
    this.#startMore();
  }

  #hear(event: CoordinatorEvent): void {
    for (const news of this.#source.read(event)) {
      this.#reactions.forEach((reaction, index) => {
        if (isFor(reaction, news)) this.#enqueue(reaction, index, news);
      });
    }
  }

  #enqueue(reaction: Reaction, index: number, event: ReactionEvent): void {
    if (this.#jobs.length >= DUE_MAX) {
      this.#fail(`${DUE_MAX} reactions are due already: ${event.event} is not reacted to`);
      return;
    }
    const due = { event, command: reaction.command };
    const name = nameOf(event, index);
    this.#jobs.push(jobOf(name, due, reaction, this.#writeDown(name, due)));
    this.#startMore();
  }

  #startMore(): void {
    for (let at = 0; at < this.#jobs.length && this.#running < RUNNING_MAX; ) {
      const job = this.#jobs[at];
      if (job === undefined || this.#ending.signal.aborted) return;
      if (this.#busyLanes.has(job.lane)) {
        at += 1;
        continue;
      }
      this.#jobs.splice(at, 1);
      this.#begin(job);
    }
  }

  #begin(job: Job): void {
    this.#running += 1;
    this.#busyLanes.add(job.lane);
    const run = this.#work(job)
      .catch((error: unknown) => this.#fail(`${job.due.event.event}: ${messageOf(error)}`))
      .finally(() => {
        this.#running -= 1;
        this.#busyLanes.delete(job.lane);
        this.#runs.delete(run);
        this.#startMore();
      });
    this.#runs.add(run);
  }

  async #work(job: Job): Promise<void> {
    await job.written;
    const { signal } = this.#ending;
    for (;;) {
      job.attempts += 1;
      const end = await this.#attempt(job);
      if (signal.aborted && end.failure !== null) return;
      this.#report(job, end);
      if (end.failure === null || job.attempts > job.reaction.retries) break;
      await this.#pause(job.reaction.retryDelayMs);
      if (signal.aborted) return;
    }
    await this.#spool.remove(job.name);
  }

  /** What cannot be written down runs all the same: better once than not at all. */
  async #writeDown(name: string, due: Due): Promise<void> {
    try {
      await this.#spool.add(name, due);
    } catch (error) {
      const text = `a due reaction cannot be written down and would not survive a restart`;
      this.#modules.log('error', `${text}: ${messageOf(error)}`);
    }
  }

  #attempt(job: Job): Promise<ProgramEnd> {
    const { event, command } = job.due;
    const run = this.#modules.run ?? runProgram;
    const { timeoutMs } = job.reaction;
    const env = {
      HOLDFAST_EVENT: event.event,
      HOLDFAST_EVENT_ID: event.id,
      HOLDFAST_ATTEMPT: String(job.attempts),
      ...lockFacts(event.lock),
    };
    const input = JSON.stringify(event);
    return run({ command, input, env, timeoutMs }, this.#modules.clock, this.#ending.signal);
  }

  #report(job: Job, end: ProgramEnd): void {
    const { event, command } = job.due;
    const what = `${event.event} (${subjectOf(event)}): ${command[0]}`;
    const output = end.output === '' ? '' : `; it said: ${end.output}`;
    if (end.failure === null) {
      this.#modules.log('info', `${what} succeeded${output}`);
      return;
    }
    const left = job.reaction.retries + 1 - job.attempts;
    const text = `${what} ${end.failure}${output}`;
    if (left > 0) {
      const when = `in ${job.reaction.retryDelayMs / 1000} s, ${left} more times at most`;
      this.#modules.log('warn', `${text}; it is tried again ${when}`);
    } else this.#fail(`${text}; it is given up after ${job.attempts} attempts`);
  }

  /** Says it in the log, and in `status` until the daemon is started anew. */
  #fail(message: string): void {
    this.#failures += 1;
    this.#modules.log('error', `reaction: ${message}`);
    const more = this.#failures === 1 ? '' : ` (and ${this.#failures - 1} before it)`;
    this.#subject.warn('reactions', `a reaction failed${more}: ${message}`);
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#ending;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#modules.clock.setTimer(delayMs, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

function jobOf(name: string, due: Due, reaction: Reaction, written: Promise<void>): Job {
  const lane = JSON.stringify([subjectOf(due.event), due.command]);
  return { name, due, reaction, lane, written, attempts: 0 };
}

function isFor(reaction: Reaction, news: ReactionEvent): boolean {
  if (!reaction.on.includes(news.event)) return false;
  const { lock } = news;
  if (lock === null || reaction.resources === null) return true;
  return reaction.resources.some((pattern) => matches(pattern, lock.resource));
}

function matches(pattern: string, resource: string): boolean {
  return pattern.endsWith('*')
    ? resource.startsWith(pattern.slice(0, -1)) : resource === pattern;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, index) => word === other[index]);
}

/** For commands that are shell scripts: what they need most, without taking JSON apart. */
function lockFacts(lock: ReactionEvent['lock']): Readonly<Record<string, string>> {
  if (lock === null) return {};
  const owner = lock.owner?.kind === 'named' ? { HOLDFAST_OWNER: lock.owner.name } : {};
  return { HOLDFAST_RESOURCE: lock.resource, ...owner };
}
