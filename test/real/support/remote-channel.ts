import type { Member } from '../../../src/cpg/index.js';
import type { ChannelMember, ChannelRecord } from '../../conformance/channel.js';
import type { NetnsNode } from '../../netns/node.js';
import { Remote } from './remote.js';

const AGENT = 'channel-agent.js';

/** The channel of a process inside a node, as if it were here. */
export class RemoteChannel implements ChannelMember {
  readonly #remote: Remote;
  readonly #records: ChannelRecord[] = [];
  #self: Member = { nodeId: 0, pid: 0 };

  /** Starts the process; `open` is the next call. */
  constructor(node: NetnsNode) {
    this.#remote = new Remote(node, (_name, [record]) => {
      this.#records.push(record as ChannelRecord);
    }, AGENT);
  }

  get self(): Member {
    return this.#self;
  }

  async open(limits: { readonly chunkBytesMax?: number }): Promise<void> {
    await this.#remote.call('open', limits);
  }

  async join(name: string): Promise<void> {
    this.#self = (await this.#remote.call('join', name)) as Member;
  }

  async multicast(text: string): Promise<void> {
    await this.#remote.call('multicast', text);
  }

  async multicastPattern(bytes: number, seed: number): Promise<void> {
    await this.#remote.call('multicastPattern', bytes, seed);
  }

  async sendMany(prefix: string, count: number): Promise<void> {
    await this.#remote.call('sendMany', prefix, count);
  }

  async leave(): Promise<void> {
    await this.#remote.call('leave');
  }

  async close(): Promise<void> {
    await this.#remote.call('close');
  }

  async sendRaw(name: string, payload: Uint8Array): Promise<void> {
    await this.#remote.call('sendRaw', name, payload);
  }

  records(): Promise<readonly ChannelRecord[]> {
    return Promise.resolve([...this.#records]);
  }

  /** kill -9 of the process that has the channel. */
  kill(): Promise<void> {
    return this.#remote.kill();
  }
}
