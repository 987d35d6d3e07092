import { EventEmitter } from 'eventemitter3';
import type {
  Group, GroupEvents, GroupListing, Guarantee, Member,
} from '../../../src/cpg/index.js';
import type { GroupCalls } from '../../conformance/group.js';
import type { NetnsNode } from '../../netns/node.js';
import type { FloodResult } from './flood.js';
import { Remote } from './remote.js';
import { fromWire, type WireError } from './wire.js';

/** The real group of a process inside a node, as if it were here. */
export class RemoteGroup extends EventEmitter<GroupEvents> implements GroupCalls {
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

  async join(name: string | Uint8Array): Promise<void> {
    await this.#remote.call('join', name);
  }

  async multicast(
    payload: Uint8Array | readonly Uint8Array[], guarantee: Guarantee = 'agreed',
  ): Promise<void> {
    await this.#remote.call('multicast', payload, guarantee);
  }

  async membership(): Promise<readonly Member[]> {
    return (await this.#remote.call('membership')) as readonly Member[];
  }

  async groupNames(): Promise<readonly Uint8Array[]> {
    return (await this.#remote.call('groupNames')) as readonly Uint8Array[];
  }

  async groups(): Promise<readonly GroupListing[]> {
    return (await this.#remote.call('groups')) as readonly GroupListing[];
  }

  async membersOf(name: string | Uint8Array): Promise<readonly Member[]> {
    return (await this.#remote.call('membersOf', name)) as readonly Member[];
  }

  async localNodeId(): Promise<number> {
    return (await this.#remote.call('localNodeId')) as number;
  }

  /** Sets libcpg's context, reads it back, and asks for the flow control's state. */
  async localState(context: bigint): Promise<{ context: bigint; flowControl: string }> {
    return (await this.#remote.call('localState', context)) as never;
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
