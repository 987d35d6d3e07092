import { CS_DISPATCH_ONE_NONBLOCKING, CS_ERR_NO_SECTIONS, CS_OK } from '../native/corotypes.js';
import { offThread } from '../native/off-thread.js';
import type { NativePoll } from '../native/poll.js';
import type { CmapConnection, CmapEvent, CmapNews } from './connection.js';
import { CMAP_KEYNAME_MAXLEN } from './constants.js';
import { takeEvents } from './dispatch.js';
import { CmapError } from './error.js';
import type { CmapHandle, CmapIterHandle, CmapLibrary, CmapTrackHandle } from './library.js';
import { VALUE_BYTES_MAX } from './limits.js';
import { notifyInto } from './notify.js';
import type { CmapKey, CmapValue } from './port.js';
import { check } from './status.js';
import { decodeValue, encodeValue, typeNameOf } from './value.js';

/**
 * Connects to this node's corosync. Rejects with CmapError; nothing is left behind then.
 * @see cmap_initialize_map(3)
 */
export async function connectCmap(library: CmapLibrary, map: number): Promise<CmapConnection> {
  const { lane } = library;
  const handle: [CmapHandle | null] = [null];
  const status = await lane.run(() => offThread(library.cmap_initialize_map, handle, map));
  const [open] = handle;
  const fd: [number] = [-1];
  try {
    check('cmap_initialize_map', status);
    if (open === null) throw new Error('cmap_initialize_map gave no handle');
    check('cmap_fd_get', await lane.run(() => library.cmap_fd_get(open, fd)));
    return new NativeConnection(library, open, fd[0]);
  } catch (thrown) {
    // The library leaves the connection open when it fails only to choose the map.
    if (open !== null) await lane.run(() => offThread(library.cmap_finalize, open));
    throw thrown;
  }
}

class NativeConnection implements CmapConnection {
  readonly #library: CmapLibrary;
  readonly #handle: CmapHandle;
  readonly #fd: number;
  readonly #events: CmapEvent[] = [];
  readonly #callback: ReturnType<CmapLibrary['register']>;
  #poll: NativePoll | null = null;
  #closing: Promise<void> | null = null;

  constructor(library: CmapLibrary, handle: CmapHandle, fd: number) {
    this.#library = library;
    this.#handle = handle;
    this.#fd = fd;
    this.#callback = library.register(notifyInto(library, this.#events));
  }

  watch(arrived: (news: CmapNews) => void): void {
    const poll = this.#library.poll(this.#fd, () => {
      // Level-triggered: it would fire in every turn until the lane comes to the dispatching.
      poll.stop();
      this.#library.lane.run(() => this.#take()).then((news) => {
        if (this.#closing !== null) return;
        if (news.lost === null) poll.start();
        arrived(news);
      }).catch((cause: unknown) => arrived({ events: [{ kind: 'broken', cause }], lost: null }));
    });
    this.#poll = poll;
  }

  async get(key: string): Promise<CmapValue> {
    // One byte more than corosync stores: it adds a zero to a string that came without.
    const buffer = Buffer.alloc(VALUE_BYTES_MAX + 1);
    const length: [number] = [buffer.byteLength];
    const type: [number] = [0];
    const { cmap_get } = this.#library;
    const status = await this.#call(
      () => offThread(cmap_get, this.#handle, key, buffer, length, type),
    );
    check('cmap_get', status, key);
    return decodeValue(type[0], buffer.subarray(0, length[0]));
  }

  async keys(prefix: string, keysMax: number): Promise<readonly CmapKey[] | null> {
    const { cmap_iter_init, cmap_iter_finalize } = this.#library;
    const iterator: [CmapIterHandle | null] = [null];
    const start = prefix === '' ? null : prefix;
    const status = await this.#call(() => offThread(cmap_iter_init, this.#handle, start, iterator));
    check('cmap_iter_init', status);
    const [open] = iterator;
    if (open === null) throw new Error('cmap_iter_init gave no iterator');
    try {
      return await this.#walk(open, keysMax);
    } finally {
      await this.#call(() => offThread(cmap_iter_finalize, this.#handle, open));
    }
  }

  async set(key: string, value: CmapValue): Promise<void> {
    const { type, bytes, length } = encodeValue(value);
    const { cmap_set } = this.#library;
    const status = await this.#call(
      () => offThread(cmap_set, this.#handle, key, bytes, length, type),
    );
    check('cmap_set', status, key);
  }

  delete(key: string): Promise<void> {
    return this.#change('cmap_delete', key);
  }

  increment(key: string): Promise<void> {
    return this.#change('cmap_inc', key);
  }

  decrement(key: string): Promise<void> {
    return this.#change('cmap_dec', key);
  }

  async track(key: string | null, kinds: number, tracker: number): Promise<bigint> {
    const track: [CmapTrackHandle | null] = [null];
    const { cmap_track_add } = this.#library;
    const { notify } = this.#callback;
    const status = await this.#call(
      () => offThread(cmap_track_add, this.#handle, key, kinds, notify, tracker, track),
    );
    check('cmap_track_add', status, key ?? undefined);
    if (track[0] === null) throw new Error('cmap_track_add gave no handle');
    return BigInt(track[0]);
  }

  async untrack(native: bigint): Promise<void> {
    const { cmap_track_delete } = this.#library;
    const status = await this.#call(
      () => offThread(cmap_track_delete, this.#handle, native as CmapTrackHandle),
    );
    check('cmap_track_delete', status);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Poll first: uv_poll aborts the process on a descriptor that finalize has closed. */
  async #close(): Promise<void> {
    this.#poll?.close();
    const { lane, cmap_finalize } = this.#library;
    // It also ends the trackers. A dead corosync changes nothing: only our side is freed.
    await lane.run(() => offThread(cmap_finalize, this.#handle));
    setImmediate(() => this.#callback.release());
  }

  async #walk(iterator: CmapIterHandle, keysMax: number): Promise<readonly CmapKey[] | null> {
    const keys: CmapKey[] = [];
    const name = Buffer.alloc(CMAP_KEYNAME_MAXLEN + 1);
    const { cmap_iter_next } = this.#library;
    for (;;) {
      const length: [number] = [0];
      const type: [number] = [0];
      const status = await this.#call(
        () => offThread(cmap_iter_next, this.#handle, iterator, name, length, type),
      );
      if (status === CS_ERR_NO_SECTIONS) return keys;
      check('cmap_iter_next', status);
      if (keys.length >= keysMax) return null;
      const key = name.toString('latin1', 0, name.indexOf(0));
      keys.push({ key, type: typeNameOf(type[0]), bytes: length[0] });
    }
  }

  async #change(name: 'cmap_delete' | 'cmap_inc' | 'cmap_dec', key: string): Promise<void> {
    const status = await this.#call(() => offThread(this.#library[name], this.#handle, key));
    check(name, status, key);
  }

  /** One call into the library; none is made on a handle that is finalized. */
  #call(call: () => Promise<number>): Promise<number> {
    const { lane } = this.#library;
    if (this.#closing !== null) {
      return Promise.reject(new CmapError('CLOSED', 'call', 'the connection was closed'));
    }
    if (lane.full) {
      const text = 'too many calls to corosync wait already; wait for some of them to settle';
      return Promise.reject(new CmapError('QUEUE_FULL', 'call', text, { retryable: true }));
    }
    return lane.run(call);
  }

  #take(): CmapNews {
    if (this.#closing !== null) return { events: [], lost: null };
    const { cmap_dispatch } = this.#library;
    const lost = takeEvents(() => cmap_dispatch(this.#handle, CS_DISPATCH_ONE_NONBLOCKING));
    return { events: this.#events.splice(0), lost: lost === CS_OK ? null : lost };
  }
}
