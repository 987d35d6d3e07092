import { EventEmitter } from 'eventemitter3';
import {
  CmapError, type Cmap, type CmapChange, type CmapEntry, type CmapEvents, type CmapKey,
  type CmapTracker, type CmapTypes, type CmapValue, type CmapValueType, type ListOptions,
  type OpenCmapOptions, type TrackOptions,
} from '../../../src/cmap/index.js';
import type { NetnsNode } from '../../netns/node.js';
import { Remote } from './remote.js';
import { fromWire, type WireError } from './wire.js';

/** The real configuration map of a process inside a node, as if it were here. */
export class RemoteCmap extends EventEmitter<CmapEvents> implements Cmap {
  readonly #remote: Remote;

  private constructor(node: NetnsNode) {
    super();
    this.#remote = new Remote(node, (name, args) => {
      if (name === 'lost') this.emit('lost', fromWire(args[0] as WireError) as CmapError);
      else this.emit('changed', args[0] as CmapChange, args[1] as number);
    });
  }

  /** Starts a process inside the node and opens a connection there. */
  static async open(node: NetnsNode, options: OpenCmapOptions = {}): Promise<RemoteCmap> {
    const cmap = new RemoteCmap(node);
    try {
      await cmap.#remote.call('openCmap', options);
      return cmap;
    } catch (thrown) {
      await cmap.kill();
      throw thrown;
    }
  }

  async get(key: string): Promise<CmapValue> {
    return await this.#remote.call('get', key) as CmapValue;
  }

  async getAs<Type extends CmapValueType>(key: string, type: Type): Promise<CmapTypes[Type]> {
    const value = await this.get(key);
    if (value.type !== type) throw new CmapError('WRONG_TYPE', 'getAs', key, { key });
    return value.value as CmapTypes[Type];
  }

  async keys(prefix: string, options?: ListOptions): Promise<readonly CmapKey[]> {
    return await this.#remote.call('keys', prefix, options) as CmapKey[];
  }

  async entries(prefix: string, options?: ListOptions): Promise<readonly CmapEntry[]> {
    return await this.#remote.call('entries', prefix, options) as CmapEntry[];
  }

  async track(key: string, options?: TrackOptions): Promise<CmapTracker> {
    const id = await this.#remote.call('track', key, options) as number;
    return {
      id,
      stop: async () => {
        await this.#remote.call('untrack', id);
      },
    };
  }

  async set(key: string, value: CmapValue): Promise<void> {
    await this.#remote.call('set', key, value);
  }

  async delete(key: string): Promise<void> {
    await this.#remote.call('delete', key);
  }

  async increment(key: string): Promise<void> {
    await this.#remote.call('increment', key);
  }

  async decrement(key: string): Promise<void> {
    await this.#remote.call('decrement', key);
  }

  async close(): Promise<void> {
    if (this.#remote.child.alive) await this.#remote.call('closeCmap');
  }

  /** kill -9 of the process that has the connection. */
  kill(): Promise<void> {
    return this.#remote.kill();
  }
}
