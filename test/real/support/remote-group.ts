import { EventEmitter } from 'eventemitter3';
import type { Group, GroupEvents, Member } from '../../../src/cpg/index.js';
import type { NetnsNode } from '../../netns/node.js';
import type { FloodResult } from './flood.js';
import { Remote } from './remote.js';
import { fromWire, type WireError } from './wire.js';

/** The real group of a process inside a node, as if it were here. */
export class RemoteGroup extends EventEmitter<GroupEvents> implements Group {
  readonly self: Member;
  readonly payloadBytesMax: number;
  readonly #remote: Remote;

  private constructor(remote: Remote, self: Member, payloadBytesMax: number) {
    super();
    this.#remote = remote;
    this.self = self;
    this.payloadBytesMax = payloadBytesMax;
  }

  /** Starts a process inside the node and opens a group there. */
  static async open(node: NetnsNode): Promise<RemoteGroup> {
    const target: { group: RemoteGroup | null } = { group: null };
    const remote = new Remote(node, (name, args) => {
      if (target.group === null) return;
      const [first, second] = name === 'lost' ? [fromWire(args[0] as WireError)] : args;
      target.group.emit(name as 'message', first as Member, second as Uint8Array);
    });
    try {
      const opened = (await remote.call('openGroup')) as Pick<Group, 'self' | 'payloadBytesMax'>;
      target.group = new RemoteGroup(remote, opened.self, opened.payloadBytesMax);
      return target.group;
    } catch (thrown) {
      await remote.kill();
      throw thrown;
    }
  }

  async join(name: string): Promise<void> {
    await this.#remote.call('join', name);
  }

  async multicast(payload: Uint8Array): Promise<void> {
    await this.#remote.call('multicast', payload);
  }

  async leave(): Promise<void> {
    await this.#remote.call('leave');
  }

  async close(): Promise<void> {
    if (this.#remote.child.alive) await this.#remote.call('closeGroup');
  }

  async flood(messages: number, bytes: number): Promise<FloodResult> {
    return (await this.#remote.call('flood', messages, bytes)) as FloodResult;
  }

  /** Opens the next group in the same process; the one before must be closed or lost. */
  async reopen(): Promise<void> {
    await this.#remote.call('openGroup');
  }

  /** kill -9 of the process that has the group. */
  kill(): Promise<void> {
    return this.#remote.kill();
  }
}
