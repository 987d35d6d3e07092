import { HoldfastError, messageOf } from '../errors.js';
import type { Answer, Effect } from './core/effect.js';
import type { CoreEvent } from './core/event.js';
import { refuseUnlisted } from './core/list-condition.js';
import type { ListRecord } from './core/record.js';

/** Steps whose records go into one write; more wait for the next. */
const STEPS_PER_WRITE_MAX = 256;

/** Records in one append: far below what the list takes at once. */
const RECORDS_PER_APPEND_MAX = 1_024;

/**
 * Steps that wait for a write. Above it no acquire is let in, and refusals are told out of turn: a
 * disk that hangs would otherwise fill the memory with them. What is left is bounded by the locks
 * of this node, by its callers, and in its rate.
 */
export const STEPS_WAITING_MAX = 16_384;

/** The locks whose intent or convert could not be written, and why. */
interface Unlisted {
  readonly ids: ReadonlySet<number>;
  readonly converts: ReadonlySet<number>;
  /** Those newly granted that could not be written as held. */
  readonly grants: ReadonlySet<number>;
  readonly message: string;
}

const NONE: Unlisted = {
  ids: new Set(), converts: new Set(), grants: new Set(), message: '',
};

interface Sifted {
  readonly refused: readonly ListRecord[];
  readonly done: number;
  readonly message: string | null;
}

type Persist = Extract<Effect, { kind: 'persist' }>;
type Reply = Extract<Effect, { kind: 'reply' }>;

export interface EffectSinks {
  append(records: readonly ListRecord[]): Promise<void>;
  /** Everything but `persist`, in order. Must not throw. */
  perform(effect: Effect): void;
  dispatch(event: CoreEvent): void;
}

/**
 * Carries out steps in their order: the records of all waiting steps in one write, and only when
 * that write has resolved, what each step sends, locks and replies; before it, where all of them
 * are late.
 */
export class EffectRunner {
  readonly #sinks: EffectSinks;
  #waiting: (readonly Effect[])[] = [];
  readonly #news: Effect[] = [];
  #isTelling = false;
  #running = false;
  #idle: Promise<void> = Promise.resolve();
  #isRetryDue = false;
  #isHeldUp = false;
  /**
   * Records of a write that failed, to go before the next: the list would otherwise still name a
   * released lock as held. Bounded, since no new lock is taken while writes fail.
   */
  #unwritten: readonly ListRecord[] = [];
  /**
   * The locks whose grant could not be written, and why. The core knows by now, but steps from
   * before may wait here whose callers must not hear that it is held; empty as soon as none do.
   */
  readonly #untold = new Map<number, string>();

  constructor(sinks: EffectSinks) {
    this.#sinks = sinks;
  }

  push(effects: readonly Effect[]): void {
    const rest = this.#tell(effects);
    if (rest.length === 0) return;
    if ((this.#isHeldUp || this.isFull) && rest.every(isHarmless)) {
      for (const effect of rest) this.#performOne(effect);
      return;
    }
    this.#waiting.push(rest);
    this.#run();
  }

  /**
   * Tells news that no record announces, and gives back what is left. Whoever hears them may begin
   * a step: its news come after these.
   */
  #tell(effects: readonly Effect[]): readonly Effect[] {
    // They come first, see `EffectCollector`; most steps have none.
    let count = 0;
    while (effects[count]?.kind === 'tell') count += 1;
    if (count === 0) return effects;
    this.#news.push(...effects.slice(0, count));
    if (!this.#isTelling) {
      this.#isTelling = true;
      for (let next = this.#news.shift(); next !== undefined; next = this.#news.shift()) {
        this.#performOne(next);
      }
      this.#isTelling = false;
    }
    return effects.slice(count);
  }

  /** Whether the disk hangs: then nobody is made to wait for it who is only told a refusal. */
  holdUp(isHeldUp: boolean): void {
    this.#isHeldUp = isHeldUp;
  }

  /** Whether so many steps wait for a write that no more should be begun. */
  get isFull(): boolean {
    return this.#waiting.length >= STEPS_WAITING_MAX;
  }

  /** The list takes records again: what could not be written is, without waiting for a step. */
  retry(): void {
    this.#isRetryDue = true;
    this.#run();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#idle = this.#drain();
  }

  /** Resolves when all that was pushed so far has been carried out. */
  async settled(): Promise<void> {
    while (this.#running) await this.#idle;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 || this.#isRetryDue) {
      const isRetry = this.#isRetryDue;
      this.#isRetryDue = false;
      const steps = this.#waiting.splice(0, STEPS_PER_WRITE_MAX);
      const records = steps.flatMap((effects) => persistOf(effects)?.records ?? []);
      for (const effects of steps) this.#report(effects);
      const grants = new Set(steps.flatMap((effects) => grantsIn(effects)));
      const isLate = !isRetry && steps.every((effects) => persistOf(effects)?.isLate ?? true);
      const unlisted = isLate ? NONE : await this.#write(records, grants);
      for (const effects of steps) this.#perform(effects, unlisted);
      if (isLate && records.length > 0) await this.#write(records, grants);
    }
    this.#untold.clear();
    this.#running = false;
  }

  /**
   * Writes what is left of earlier failures and then these records, in pieces that the list takes.
   * What could not be written is kept for the next write, but for intents and converts: those
   * stand for nothing, and neither does what follows on an intent. Nor do `grants` count as held
   * that were not written as such: the core gives them back.
   */
  async #write(
    records: readonly ListRecord[],
    grants: ReadonlySet<number>,
  ): Promise<Unlisted> {
    const queue = [...this.#unwritten, ...records];
    const refused: ListRecord[] = [];
    let message: string | null = null;
    let written = 0;
    while (written < queue.length) {
      const piece = queue.slice(written, written + RECORDS_PER_APPEND_MAX);
      const failure = await this.#append(piece);
      if (failure?.mayRetry === true) {
        message = failure.message;
        break;
      }
      if (failure !== null) {
        message = failure.message;
        const sifted = await this.#sift(piece);
        refused.push(...sifted.refused);
        written += sifted.done;
        if (sifted.message !== null) {
          message = sifted.message;
          break;
        }
      } else written += piece.length;
    }
    const left = queue.slice(written);
    const ids = new Set(intentsIn([...left, ...refused]));
    const converts = new Set(convertsIn([...left, ...refused]));
    const isGrant = (record: ListRecord): boolean => {
      return record.kind === 'held' && grants.has(record.id);
    };
    this.#unwritten = left.filter((record) => {
      return record.kind !== 'converting' && !ids.has(idOf(record)) && !isGrant(record);
    });
    const unheld = new Set([...left, ...refused].filter(isGrant).map(idOf));
    return { ids, converts, grants: unheld, message: message ?? '' };
  }

  /**
   * Finds the records of a piece that the list will never take; the others are written, up to the
   * first that must wait: `done` is how many need no further write, `message` why it waits.
   */
  async #sift(piece: readonly ListRecord[]): Promise<Sifted> {
    const refused: ListRecord[] = [];
    for (const [done, record] of piece.entries()) {
      const failure = await this.#append([record]);
      if (failure?.mayRetry === true) return { refused, done, message: failure.message };
      if (failure !== null) refused.push(record);
    }
    return { refused, done: piece.length, message: null };
  }

  async #append(
    records: readonly ListRecord[],
  ): Promise<{ readonly message: string; readonly mayRetry: boolean } | null> {
    try {
      await this.#sinks.append(records);
      return null;
    } catch (error) {
      const message = messageOf(error);
      const mayRetry = !(error instanceof HoldfastError) || error.retryable;
      // A record that the list will never take must not keep out those that come after it. It is
      // a mistake of ours, so it is said until somebody has looked.
      if (!mayRetry) {
        const text = `a record was refused by the lock list: ${message}; please report this`;
        this.#sinks.dispatch({ kind: 'warning', topic: 'list-record', text });
      }
      return { message, mayRetry };
    }
  }

  /** One effect that fails must not hold up all that come after it. */
  #performOne(effect: Effect): void {
    try {
      this.#sinks.perform(effect);
    } catch (error) {
      const text = `'${effect.kind}' could not be carried out: ${messageOf(error)}`;
      this.#sinks.dispatch({ kind: 'warning', topic: `effect ${effect.kind}`, text });
    }
  }

  /** Tells what must be told before its record is written. */
  #report(effects: readonly Effect[]): void {
    const news = effects.slice(0, Math.max(0, persistAt(effects)));
    for (const effect of news) this.#performOne(effect);
  }

  #confirm({ set, ids }: Extract<Effect, { kind: 'confirm-set' }>, unlisted: Unlisted): void {
    const isListed = !ids.some((id) => unlisted.grants.has(id));
    const { message } = unlisted;
    this.#sinks.dispatch(isListed ? { kind: 'set-listed', set }
      : { kind: 'set-unlisted', set, message });
  }

  #confirmHeld(id: number, { grants, message }: Unlisted): void {
    if (!grants.has(id)) return;
    this.#untold.set(id, message);
    this.#sinks.dispatch({ kind: 'held-unlisted', id, message });
  }

  /** The answer, or a refusal in its place when it speaks of a lock that is not listed as held. */
  #toldOf(reply: Reply): Reply {
    if (this.#untold.size === 0) return reply;
    for (const id of heldIn(reply.answer)) {
      const message = this.#untold.get(id);
      if (message !== undefined) return { ...reply, answer: refuseUnlisted(message) };
    }
    return reply;
  }

  #perform(effects: readonly Effect[], unlisted: Unlisted): void {
    const records = persistOf(effects)?.records ?? [];
    const ids = intentsIn(records).filter((id) => unlisted.ids.has(id));
    const converts = convertsIn(records).filter((id) => unlisted.converts.has(id));
    for (const effect of effects.slice(persistAt(effects) + 1)) {
      if (isOf(effect, 'take', ids) || isOf(effect, 'convert', converts)) continue;
      if (effect.kind === 'confirm-set') this.#confirm(effect, unlisted);
      else if (effect.kind === 'confirm-held') this.#confirmHeld(effect.id, unlisted);
      else if (effect.kind === 'reply') this.#performOne(this.#toldOf(effect));
      else this.#performOne(effect);
    }
    if (ids.length > 0) {
      this.#sinks.dispatch({ kind: 'intent-failed', ids, message: unlisted.message });
    }
    if (converts.length > 0) {
      this.#sinks.dispatch({ kind: 'convert-unlisted', ids: converts, message: unlisted.message });
    }
  }
}

/** The locks that this step lists as held for the first time. */
function grantsIn(effects: readonly Effect[]): readonly number[] {
  return effects.flatMap((effect) => {
    if (effect.kind === 'confirm-held') return [effect.id];
    return effect.kind === 'confirm-set' ? effect.ids : [];
  });
}

/** The locks that an owner is told by this that it holds. */
function heldIn(answer: Answer): readonly number[] {
  if (answer.kind === 'acquired-set') return answer.members.map(({ id }) => id);
  return 'id' in answer ? [answer.id] : [];
}

/** The locks that these records announce to the list for the first time. */
function intentsIn(records: readonly ListRecord[]): readonly number[] {
  return records.flatMap((record) => (record.kind === 'intent' ? [record.lock.id] : []));
}

/** The locks that these records say are about to be converted. */
function convertsIn(records: readonly ListRecord[]): readonly number[] {
  return records.flatMap((record) => (record.kind === 'converting' ? [record.id] : []));
}

function idOf(record: ListRecord): number {
  return 'lock' in record ? record.lock.id : record.id;
}

function isOf(effect: Effect, kind: 'take' | 'convert', ids: readonly number[]): boolean {
  return effect.kind === 'lock' && effect.action.kind === kind && ids.includes(effect.action.id);
}

/** What commits us to nothing, and is of no matter to what comes before it. */
function isHarmless(effect: Effect): boolean {
  if (effect.kind === 'reply') return effect.answer.kind === 'refused';
  return effect.kind === 'log';
}

function persistOf(effects: readonly Effect[]): Persist | undefined {
  const found = effects[persistAt(effects)];
  return found?.kind === 'persist' ? found : undefined;
}

/** -1 without one: then everything comes after it. */
function persistAt(effects: readonly Effect[]): number {
  return effects.findIndex(({ kind }) => kind === 'persist');
}
