import { EventEmitter } from 'eventemitter3';
import {
  CpgError, type Group, type GroupEvents, type GroupView, type Member,
} from '../../../src/cpg/index.js';

export const SELF: Member = { nodeId: 1, pid: 100 };
export const PEER: Member = { nodeId: 2, pid: 200 };

interface Sent {
  readonly frame: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (cause: CpgError) => void;
}

/** A group whose corosync is the test: it decides what comes back, what is lost, and when. */
export class FakeGroup extends EventEmitter<GroupEvents> implements Group {
  readonly self = SELF;
  readonly payloadBytesMax: number;
  /** What join rejects with; it resolves when null. */
  joinFailure: CpgError | null = null;
  readonly calls: string[] = [];
  /** Sent and neither echoed nor lost. */
  readonly inFlight: Sent[] = [];

  constructor(payloadBytesMax = 1_000) {
    super();
    this.payloadBytesMax = payloadBytesMax;
  }

  join(name: string): Promise<void> {
    this.calls.push(`join ${name}`);
    if (this.joinFailure !== null) return Promise.reject(this.joinFailure);
    this.view([SELF]);
    return Promise.resolve();
  }

  multicast(payload: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.inFlight.push({ frame: Uint8Array.from(payload), resolve, reject });
    });
  }

  leave(): Promise<void> {
    this.calls.push('leave');
    this.view([], [SELF]);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.calls.push('close');
    this.#rejectAll(new CpgError('CLOSED', 'close', 'closed by the test'));
    return Promise.resolve();
  }

  view(members: readonly Member[], left: readonly Member[] = [], joined: readonly Member[] = []) {
    const view: GroupView = {
      members,
      left: left.map((member) => ({ ...member, reason: 'leave' })),
      joined: joined.map((member) => ({ ...member, reason: 'join' })),
    };
    this.emit('view', view);
  }

  /** The oldest frames come back, as many as there are unless said. */
  async echo(count = this.inFlight.length): Promise<void> {
    for (const { frame, resolve } of this.inFlight.splice(0, count)) {
      this.emit('message', SELF, frame);
      resolve();
    }
    await settle();
  }

  /** The oldest frame is lost, and the connection stands. */
  async loseFrame(): Promise<void> {
    this.inFlight.shift()?.reject(new CpgError('LOST', 'multicast', 'lost by the test'));
    await settle();
  }

  /** Corosync dies. */
  async die(): Promise<void> {
    const cause = new CpgError('LOST', 'dispatch', 'corosync died', { retryable: true });
    this.#rejectAll(cause);
    this.emit('lost', cause);
    await settle();
  }

  deliver(from: Member, payload: Uint8Array): void {
    this.emit('message', from, payload);
  }

  #rejectAll(cause: CpgError): void {
    for (const { reject } of this.inFlight.splice(0)) reject(cause);
  }
}

/** All microtasks, and what was put off to the end of the turn. */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
