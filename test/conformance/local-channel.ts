import { createHash } from 'node:crypto';
import type { Channel, Member } from '../../src/cpg/index.js';
import { patternOf, type ChannelMember, type ChannelRecord } from './channel.js';

/** A message longer than this is told by its digest. */
const TEXT_BYTES_MAX = 64;

/** A channel of this process as a member of the conformance cases. */
export class LocalChannel implements ChannelMember {
  readonly #channel: Channel;
  readonly #records: ChannelRecord[] = [];
  #self: Member = { nodeId: 0, pid: 0 };

  constructor(channel: Channel, told: (record: ChannelRecord) => void = () => undefined) {
    this.#channel = channel;
    const keep = (record: ChannelRecord): void => {
      this.#records.push(record);
      told(record);
    };
    channel.on('message', (from, payload) => {
      keep({ kind: 'message', from, bytes: payload.length, text: textOf(payload) });
    });
    channel.on('view', (view, fresh) => keep({ kind: 'view', view, fresh }));
    channel.on('connected', (self) => {
      this.#self = self;
      keep({ kind: 'connected' });
    });
    channel.on('disconnected', ({ code }) => keep({ kind: 'disconnected', code }));
    channel.on('rejected', (from, { reason }) => keep({ kind: 'rejected', from, reason }));
    channel.on('foreign', ({ reason }) => keep({ kind: 'foreign', reason }));
    channel.on('gap', () => keep({ kind: 'gap' }));
  }

  get self(): Member {
    return this.#self;
  }

  join(name: string): Promise<void> {
    return this.#channel.join(name);
  }

  multicast(text: string): Promise<void> {
    return this.#channel.multicast(Buffer.from(text));
  }

  multicastPattern(bytes: number, seed: number): Promise<void> {
    return this.#channel.multicast(patternOf(bytes, seed));
  }

  async sendMany(prefix: string, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const payload = Buffer.from(`${prefix}-${index}`);
      while (!this.#channel.trySend(payload)) await this.#channel.ready();
      // Several turns, so that there is more than one batch.
      if (index % 50 === 0) await new Promise(setImmediate);
    }
    await this.#channel.flush();
  }

  leave(): Promise<void> {
    return this.#channel.leave();
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  records(): Promise<readonly ChannelRecord[]> {
    return Promise.resolve([...this.#records]);
  }
}

function textOf(payload: Uint8Array): string {
  if (payload.length <= TEXT_BYTES_MAX) return Buffer.from(payload).toString();
  return createHash('sha256').update(payload).digest('hex');
}
