import type { CmapConnection, CmapNews } from '../../../src/cmap/connection.js';
import type { CmapKey, CmapValue } from '../../../src/cmap/index.js';
import { errorOf } from '../../../src/cmap/status.js';
import { CS_ERR_NOT_EXIST } from '../../../src/native/corotypes.js';

/** A raw connection whose map is given and whose news the test tells. */
export class FakeConnection implements CmapConnection {
  readonly values: Map<string, CmapValue>;
  readonly calls: string[] = [];
  /** What the next `track` waits for. */
  beforeTrack: Promise<void> = Promise.resolve();
  #arrived: (news: CmapNews) => void = () => undefined;
  #tracks = 0n;

  constructor(values: Readonly<Record<string, CmapValue>> = {}) {
    this.values = new Map(Object.entries(values));
  }

  arrive(news: Partial<CmapNews>): void {
    this.#arrived({ events: [], lost: null, ...news });
  }

  watch(arrived: (news: CmapNews) => void): void {
    this.#arrived = arrived;
  }

  get(key: string): Promise<CmapValue> {
    this.calls.push(`get ${key}`);
    const value = this.values.get(key);
    return value === undefined
      ? Promise.reject(errorOf('cmap_get', CS_ERR_NOT_EXIST, key))
      : Promise.resolve(value);
  }

  keys(prefix: string, keysMax: number): Promise<readonly CmapKey[] | null> {
    const keys = [...this.values].filter(([key]) => key.startsWith(prefix))
      .map(([key, { type }]) => ({ key, type, bytes: 0 }));
    return Promise.resolve(keys.length > keysMax ? null : keys);
  }

  set(key: string): Promise<void> {
    return this.#note(`set ${key}`);
  }

  delete(key: string): Promise<void> {
    return this.#note(`delete ${key}`);
  }

  increment(key: string): Promise<void> {
    return this.#note(`increment ${key}`);
  }

  decrement(key: string): Promise<void> {
    return this.#note(`decrement ${key}`);
  }

  async track(key: string | null, kinds: number, tracker: number): Promise<bigint> {
    await this.#note(`track ${key} ${kinds} as ${tracker}`);
    await this.beforeTrack;
    this.#tracks += 1n;
    return this.#tracks;
  }

  untrack(native: bigint): Promise<void> {
    return this.#note(`untrack ${native}`);
  }

  close(): Promise<void> {
    return this.#note('close');
  }

  #note(call: string): Promise<void> {
    this.calls.push(call);
    return Promise.resolve();
  }
}
