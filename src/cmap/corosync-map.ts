import { IsolatingEmitter } from '../native/emitter.js';
import type { CmapConnection, CmapEvent, CmapNews } from './connection.js';
import {
  CMAP_TRACK_ADD, CMAP_TRACK_DELETE, CMAP_TRACK_MODIFY, CMAP_TRACK_PREFIX,
} from './constants.js';
import { CmapError } from './error.js';
import { checkKey, checkKeysMax, checkPrefix } from './key.js';
import { KEYS_MAX, TRACKERS_MAX } from './limits.js';
import { broken, lost, tooManyKeys, tooManyTrackers, wrongType } from './map-errors.js';
import type {
  Cmap, CmapChange, CmapEntry, CmapEvents, CmapKey, CmapTracker, CmapTypes, CmapValue,
  CmapValueType, ListOptions, TrackOptions,
} from './port.js';
import { isOfType } from './value.js';

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed'; readonly cause: CmapError };

const ALL_KINDS = ['added', 'modified', 'deleted'] as const;

const KINDS: ReadonlyMap<CmapChange['kind'], number> = new Map([
  ['added', CMAP_TRACK_ADD], ['modified', CMAP_TRACK_MODIFY], ['deleted', CMAP_TRACK_DELETE],
]);

/** The configuration map over one raw connection. */
export class CorosyncMap extends IsolatingEmitter<CmapEvents> implements Cmap {
  readonly #connection: CmapConnection;
  /** The ids of those that stand or are being asked for. */
  readonly #trackers = new Set<number>();
  #trackersEver = 0;
  #state: State = { kind: 'open' };

  constructor(connection: CmapConnection) {
    super();
    this.#connection = connection;
    connection.watch((news) => this.#arrived(news));
  }

  async get(key: string): Promise<CmapValue> {
    this.#checkOpen('get');
    checkKey('get', key);
    return this.#connection.get(key);
  }

  async getAs<Type extends CmapValueType>(key: string, type: Type): Promise<CmapTypes[Type]> {
    const value = await this.get(key);
    if (!isOfType(value, type)) throw wrongType(key, value.type, type);
    return value.value;
  }

  async keys(prefix: string, options: ListOptions = {}): Promise<readonly CmapKey[]> {
    this.#checkOpen('keys');
    checkPrefix('keys', prefix);
    const keysMax = checkKeysMax(options?.keysMax ?? KEYS_MAX);
    const keys = await this.#connection.keys(prefix, keysMax);
    if (keys === null) throw tooManyKeys(prefix, keysMax);
    return keys;
  }

  async entries(prefix: string, options?: ListOptions): Promise<readonly CmapEntry[]> {
    const entries: CmapEntry[] = [];
    for (const { key } of await this.keys(prefix, options)) {
      try {
        entries.push({ key, value: await this.get(key) });
      } catch (thrown) {
        // It has gone since; anything else is a failure of the whole.
        if (!(thrown instanceof CmapError && thrown.code === 'NOT_EXIST')) throw thrown;
      }
    }
    return entries;
  }

  async track(key: string, options: TrackOptions = {}): Promise<CmapTracker> {
    this.#checkOpen('track');
    // Callers without types may give null.
    const { prefix = false, kinds: wanted = ALL_KINDS } = options ?? {};
    if (prefix) checkPrefix('track', key);
    else checkKey('track', key);
    const kinds = kindsOf(wanted) | (prefix ? CMAP_TRACK_PREFIX : 0);
    if (this.#trackers.size >= TRACKERS_MAX) throw tooManyTrackers(TRACKERS_MAX);
    this.#trackersEver += 1;
    const id = this.#trackersEver;
    this.#trackers.add(id);
    try {
      const native = await this.#connection.track(key === '' ? null : key, kinds, id);
      let stopping: Promise<void> | null = null;
      return { id, stop: () => (stopping ??= this.#untrack(id, native)) };
    } catch (thrown) {
      this.#trackers.delete(id);
      throw thrown;
    }
  }

  async set(key: string, value: CmapValue): Promise<void> {
    this.#checkOpen('set');
    checkKey('set', key);
    await this.#connection.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#checkOpen('delete');
    checkKey('delete', key);
    await this.#connection.delete(key);
  }

  async increment(key: string): Promise<void> {
    this.#checkOpen('increment');
    checkKey('increment', key);
    await this.#connection.increment(key);
  }

  async decrement(key: string): Promise<void> {
    this.#checkOpen('decrement');
    checkKey('decrement', key);
    await this.#connection.decrement(key);
  }

  async close(): Promise<void> {
    if (this.#state.kind !== 'closed') {
      const cause = new CmapError('CLOSED', 'close', 'the connection was closed; open a new one');
      this.#state = { kind: 'closed', cause };
    }
    await this.#connection.close();
  }

  /** Once per tracker. One that ended with its connection needs no end. */
  async #untrack(id: number, native: bigint): Promise<void> {
    this.#trackers.delete(id);
    if (this.#state.kind === 'open') await this.#connection.untrack(native);
  }

  #arrived({ events, lost: status }: CmapNews): void {
    for (const event of events) {
      if (this.#state.kind === 'closed') return;
      this.#handle(event);
    }
    if (status !== null && this.#state.kind === 'open') this.#lose(lost(status));
  }

  #handle(event: CmapEvent): void {
    if (event.kind === 'broken') return this.#lose(broken(event.cause));
    if (this.#trackers.has(event.tracker)) this.emit('changed', event.change, event.tracker);
  }

  /** open -> closed, by corosync. */
  #lose(cause: CmapError): void {
    this.#state = { kind: 'closed', cause };
    // Its outcome is kept for whoever calls close(); a failure there must not go unseen.
    this.#connection.close().catch((thrown: unknown) => {
      queueMicrotask(() => {
        throw thrown;
      });
    });
    this.emit('lost', cause);
  }

  #checkOpen(operation: string): void {
    if (this.#state.kind === 'open') return;
    const { cause } = this.#state;
    throw new CmapError(cause.code, operation, `${operation}: ${cause.message}`, {
      cause, retryable: cause.retryable,
    });
  }
}

/** Throws CmapError `INVALID_PARAM` for kinds that there are not. */
function kindsOf(kinds: readonly CmapChange['kind'][]): number {
  const bits = Array.from(kinds ?? [], (kind) => KINDS.get(kind));
  if (bits.length === 0 || bits.includes(undefined)) {
    const text = 'track: kinds must be some of added, modified and deleted';
    throw new CmapError('INVALID_PARAM', 'track', text);
  }
  return bits.reduce<number>((sum, bit = 0) => sum | bit, 0);
}
