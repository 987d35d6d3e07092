import { EventEmitter } from 'eventemitter3';
import type {
  Group, GroupEvents, GroupListing, Guarantee, Member,
} from '../../../src/cpg/index.js';
import type { GroupCalls } from '../../conformance/group.js';
import type { NetnsNode } from '../../netns/node.js';
import type { FloodResult } from './flood.js';
import { Remote } from './remote.js';
import { fromWire, type WireError } from './wire.js';

/** The real groups of one process inside a node, by the number that each was opened with. */
interface Process {
  readonly remote: Remote;
  readonly groups: Map<number, RemoteGroup>;
  opened: number;
}

/** A real group of a process inside a node, as if it were here. */
export class RemoteGroup extends EventEmitter<GroupEvents> implements GroupCalls {
  readonly self: Member;
  readonly payloadBytesMax: number;
  readonly #process: Process;
  readonly #key: number;

  private constructor(process: Process, key: number, facts: Pick<Group, 'self' | 'payloadBytesMax'>) {
    super();
    this.#process = process;
    this.#key = key;
    this.self = facts.self;
    this.payloadBytesMax = facts.payloadBytesMax;
  }

  /** Starts a process inside the node and opens a group there. */
  static async open(node: NetnsNode): Promise<RemoteGroup> {
    const groups = new Map<number, RemoteGroup>();
    const remote = new Remote(node, (name, [key, ...args]) => {
      const [first, second] = name === 'lost' ? [fromWire(args[0] as WireError)] : args;
      groups.get(key as number)?.emit(name as 'message', first as Member, second as Uint8Array);
    });
    try {
      return await RemoteGroup.#openIn({ remote, groups, opened: 0 });
    } catch (thrown) {
      await remote.kill();
      throw thrown;
    }
  }

  /** Opens another group in the same process. */
  openBeside(): Promise<RemoteGroup> {
    return RemoteGroup.#openIn(this.#process);
  }

  static async #openIn(process: Process): Promise<RemoteGroup> {
    const key = process.opened;
    process.opened += 1;
    const facts = (await process.remote.call('openGroup', key)) as Pick<Group, 'self' | 'payloadBytesMax'>;
    const group = new RemoteGroup(process, key, facts);
    process.groups.set(key, group);
    return group;
  }

  async join(name: string | Uint8Array): Promise<void> {
    await this.#call('join', name);
  }

  async multicast(
    payload: Uint8Array | readonly Uint8Array[], guarantee: Guarantee = 'agreed',
  ): Promise<void> {
    await this.#call('multicast', payload, guarantee);
  }

  async membership(): Promise<readonly Member[]> {
    return (await this.#call('membership')) as readonly Member[];
  }

  async groupNames(): Promise<readonly Uint8Array[]> {
    return (await this.#call('groupNames')) as readonly Uint8Array[];
  }

  async groups(): Promise<readonly GroupListing[]> {
    return (await this.#call('groups')) as readonly GroupListing[];
  }

  async membersOf(name: string | Uint8Array): Promise<readonly Member[]> {
    return (await this.#call('membersOf', name)) as readonly Member[];
  }

  async localNodeId(): Promise<number> {
    return (await this.#call('localNodeId')) as number;
  }

  /** Sets libcpg's context, reads it back, and asks for the flow control's state. */
  async localState(context: bigint): Promise<{ context: bigint; flowControl: string }> {
    return (await this.#call('localState', context)) as never;
  }

  async leave(): Promise<void> {
    await this.#call('leave');
  }

  async close(): Promise<void> {
    if (this.#process.remote.child.alive) await this.#call('closeGroup');
  }

  async flood(messages: number, bytes: number): Promise<FloodResult> {
    return (await this.#call('flood', messages, bytes)) as FloodResult;
  }

  /** How late the process's timers ran at most within that time. */
  async idle(ms: number): Promise<{ lagMsMax: number }> {
    return (await this.#call('idle', ms)) as { lagMsMax: number };
  }

  /** Opens the next group in the same process; the one before must be closed or lost. */
  async reopen(): Promise<void> {
    await this.#call('openGroup');
  }

  /** kill -9 of the process that has the group. */
  kill(): Promise<void> {
    return this.#process.remote.kill();
  }

  #call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#process.remote.call(name, this.#key, ...args);
  }
}
