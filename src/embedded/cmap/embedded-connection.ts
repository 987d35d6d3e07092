import type { Clock } from '../../clock.js';
import type { CmapConnection, CmapNews } from '../../cmap/connection.js';
import { CMAP_TRACK_PREFIX } from '../../cmap/constants.js';
import { CmapError } from '../../cmap/index.js';
import type { CmapKey, CmapValue } from '../../cmap/port.js';
import { check, errorOf } from '../../cmap/status.js';
import { encodeValue } from '../../cmap/value.js';
import { CS_ERR_LIBRARY, CS_ERR_NOT_EXIST } from '../../native/corotypes.js';
import type { Corosync } from '../bus/corosync.js';
import { Mailbox } from '../mailbox.js';
import type { MapTracker } from './config-map.js';

/** One connection of one embedded process to the map of its node's corosync. */
export class EmbeddedConnection implements CmapConnection {
  readonly #corosync: Corosync;
  readonly #mailbox: Mailbox;
  /** By what `track` returned. */
  readonly #trackers = new Map<bigint, MapTracker>();
  #trackersEver = 0n;
  #arrived: (news: CmapNews) => void = () => undefined;
  #state: 'open' | 'lost' | 'closed' = 'open';

  constructor(corosync: Corosync, clock: Clock) {
    this.#corosync = corosync;
    this.#mailbox = new Mailbox(clock);
    corosync.cmapClients.add(this);
  }

  watch(arrived: (news: CmapNews) => void): void {
    this.#arrived = arrived;
  }

  get(key: string): Promise<CmapValue> {
    return this.#answer('cmap_get', () => {
      const value = this.#corosync.map.get(key);
      if (value === null) throw errorOf('cmap_get', CS_ERR_NOT_EXIST, key);
      return value.type === 'binary' ? { ...value, value: Uint8Array.from(value.value) } : value;
    });
  }

  keys(prefix: string, keysMax: number): Promise<readonly CmapKey[] | null> {
    return this.#answer('cmap_iter_init', () => {
      const keys = this.#corosync.map.keys(prefix);
      return keys.length > keysMax ? null : keys;
    });
  }

  async set(key: string, value: CmapValue): Promise<void> {
    // Also takes a copy, as the real one does.
    encodeValue(value);
    const copy = value.type === 'binary' ? { ...value, value: Uint8Array.from(value.value) } : value;
    await this.#answer('cmap_set', () => check('cmap_set', this.#corosync.map.set(key, copy), key));
  }

  delete(key: string): Promise<void> {
    return this.#answer('cmap_delete', () =>
      check('cmap_delete', this.#corosync.map.delete(key), key));
  }

  increment(key: string): Promise<void> {
    return this.#answer('cmap_inc', () => check('cmap_inc', this.#corosync.map.adjust(key, 1), key));
  }

  decrement(key: string): Promise<void> {
    return this.#answer('cmap_dec', () =>
      check('cmap_dec', this.#corosync.map.adjust(key, -1), key));
  }

  track(key: string | null, kinds: number, tracker: number): Promise<bigint> {
    return this.#answer('cmap_track_add', () => {
      const added: MapTracker = {
        key: key ?? '', kinds, prefix: (kinds & CMAP_TRACK_PREFIX) !== 0,
        changed: (change) => this.#mailbox.post(() =>
          this.#arrived({ events: [{ kind: 'change', tracker, change }], lost: null })),
      };
      this.#corosync.map.track(added);
      this.#trackersEver += 1n;
      this.#trackers.set(this.#trackersEver, added);
      return this.#trackersEver;
    });
  }

  untrack(native: bigint): Promise<void> {
    return this.#answer('cmap_track_delete', () => this.#untrack(native));
  }

  close(): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve();
    const settled = new Promise<void>((resolve) => this.#mailbox.post(resolve));
    this.#forget();
    // What was asked before is answered first.
    return settled.then(() => this.#mailbox.close());
  }

  /** The process has died: nobody is there to be answered. */
  disconnect(): void {
    this.#forget();
    this.#mailbox.close();
  }

  /** corosync died. */
  lose(): void {
    if (this.#state !== 'open') return;
    this.#state = 'lost';
    this.#mailbox.post(() => this.#arrived({ events: [], lost: CS_ERR_LIBRARY }));
  }

  #forget(): void {
    this.#state = 'closed';
    this.#corosync.cmapClients.delete(this);
    for (const native of [...this.#trackers.keys()]) this.#untrack(native);
  }

  #untrack(native: bigint): void {
    const tracker = this.#trackers.get(native);
    if (tracker !== undefined) this.#corosync.map.untrack(tracker);
    this.#trackers.delete(native);
  }

  /** In a later turn, as corosync's answers are, and in the order of the questions. */
  #answer<Answer>(operation: string, ask: () => Answer): Promise<Answer> {
    if (this.#state === 'closed') {
      return Promise.reject(new CmapError('CLOSED', 'call', 'the connection was closed'));
    }
    return new Promise((resolve, reject) => {
      this.#mailbox.post(() => {
        if (this.#state === 'lost') reject(errorOf(operation, CS_ERR_LIBRARY));
        else resolve(new Promise((answered) => answered(ask())));
      });
    });
  }
}
