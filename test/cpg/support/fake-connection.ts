import type { CpgConnection, CpgConnectionListener, CpgEvent } from '../../../src/cpg/connection.js';
import { CS_ERR_TRY_AGAIN, CS_OK } from '../../../src/native/corotypes.js';
import type { CpgEnquiry } from '../../../src/cpg/enquiry.js';
import type { ChangeReason, Member } from '../../../src/cpg/index.js';

export const SELF: Member = { nodeId: 1, pid: 100 };
export const PEER: Member = { nodeId: 2, pid: 200 };

/** A raw connection whose corosync is the test: it says what each call answers. */
export class FakeConnection implements CpgConnection {
  readonly nodeId = SELF.nodeId;
  readonly payloadBytesMax = 1000;
  readonly fd = 7;
  /** What is asked of corosync; each call waits until the test answers. */
  readonly asked: { readonly answer: (value: unknown) => void; readonly what: string }[] = [];
  readonly enquiry: CpgEnquiry = {
    membership: (name) => this.#ask(`membership ${Buffer.from(name).toString()}`),
    groupNames: () => this.#ask('groupNames'),
    groups: () => this.#ask('groups'),
    membersOf: (name) => this.#ask(`membersOf ${Buffer.from(name).toString()}`),
    localNodeId: () => this.#ask('localNodeId'),
  };
  flowState = 0;
  #context = 0n;
  /** What `send` answers next; CS_OK when empty. */
  readonly sendStatuses: number[] = [];
  /** What `join` and `leave` answer next; CS_OK when empty. */
  readonly changeStatuses: number[] = [];
  readonly sent: Uint8Array[] = [];
  readonly guarantees: number[] = [];
  readonly calls: string[] = [];
  /** What a dispatch that hands out an event costs, as a call of the test's own. */
  onDispatch: () => void = () => undefined;
  dead: number | null = null;
  /** With it `join` and `leave` wait for `answerChange`, as on a corosync that takes its time. */
  holdChanges = false;
  /** What `dispatch` throws, as koffi may. */
  dispatchThrows: Error | null = null;
  /** Fragments of a message that each take a dispatch and bring no event. */
  fragments = 0;
  #change: ((status: number | Error) => void) | null = null;
  readonly #waiting: CpgEvent[] = [];
  readonly #taken: CpgEvent[] = [];
  #listener: CpgConnectionListener | null = null;

  watch(listener: CpgConnectionListener): void {
    this.#listener = listener;
  }

  join(name: Uint8Array): Promise<number> {
    this.calls.push(`join ${Buffer.from(name).toString()}`);
    return this.#answer();
  }

  leave(name: Uint8Array): Promise<number> {
    this.calls.push(`leave ${Buffer.from(name).toString()}`);
    return this.#answer();
  }

  send(payload: Uint8Array, guarantee: number): number {
    const status = this.sendStatuses.shift() ?? CS_OK;
    if (status !== CS_OK) return status;
    this.sent.push(payload);
    this.guarantees.push(guarantee);
    return status;
  }

  context(): { readonly status: number; readonly value: bigint } {
    return { status: CS_OK, value: this.#context };
  }

  setContext(value: bigint): number {
    this.#context = value;
    return CS_OK;
  }

  flowControl(): { readonly status: number; readonly state: number } {
    return { status: CS_OK, state: this.flowState };
  }

  dispatch(): number {
    if (this.busy) this.calls.push('dispatch while busy');
    if (this.dispatchThrows !== null) throw this.dispatchThrows;
    if (this.fragments > 0) {
      this.fragments -= 1;
      return CS_OK;
    }
    const event = this.#waiting.shift();
    if (event === undefined) return this.dead ?? CS_ERR_TRY_AGAIN;
    const kept = event.kind === 'message' ? this.#listener?.kept(event.from, event.payload) : null;
    this.#taken.push(event.kind === 'message' && kept ? { ...event, payload: kept } : event);
    this.onDispatch();
    return CS_OK;
  }

  take(): CpgEvent | undefined {
    return this.#taken.shift();
  }

  close(): Promise<void> {
    this.calls.push('close');
    return Promise.resolve();
  }

  #ask<Answer>(what: string): Promise<Answer> {
    return new Promise((resolve) => {
      this.asked.push({ what, answer: (value) => resolve(value as Answer) });
    });
  }

  get busy(): boolean {
    return this.#change !== null;
  }

  /** Ends the held join or leave with a status, or as koffi fails. */
  answerChange(outcome: number | Error): void {
    this.#change?.(outcome);
    this.#change = null;
  }

  #answer(): Promise<number> {
    if (!this.holdChanges) return Promise.resolve(this.changeStatuses.shift() ?? CS_OK);
    return new Promise((resolve, reject) => {
      this.#change = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome));
    });
  }

  /** Queues events in corosync without a wake-up. */
  queue(...events: readonly CpgEvent[]): void {
    this.#waiting.push(...events);
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** One wake-up by the poll. */
  wake(): void {
    this.#listener?.readable();
  }

  /** Delivers events in one wake-up. */
  deliver(...events: readonly CpgEvent[]): void {
    this.queue(...events);
    this.wake();
  }
}

export function message(from: Member, payload: Uint8Array | string): CpgEvent {
  return { kind: 'message', from, payload: Buffer.from(payload) };
}

export function view(
  members: readonly Member[], left: readonly Member[] = [], reason: ChangeReason = 'leave',
): CpgEvent {
  const changes = left.map((member) => ({ ...member, reason }));
  return { kind: 'view', view: { members, left: changes, joined: [] } };
}
