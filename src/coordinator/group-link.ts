import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Group, GroupView, Member, OpenGroup } from '../cpg/index.js';
import { Backoff, pause } from './backoff.js';
import type { CoreEvent } from './core/event.js';
import { CoordinatorError } from './error.js';
import type { Log } from './modules.js';
import { NamesakeWatch } from './namesake.js';
import type { ProcessWatch } from '../process-watch/port.js';
import { decode, WireError } from './wire/index.js';

/** How long a goodbye may take to come back before the connection is closed without it. */
const FAREWELL_MS = 1_000;

/**
 * Keeps this daemon in its group: connects, joins, turns what arrives into events, and starts
 * afresh whenever corosync drops it or dies.
 */
export class GroupLink {
  readonly #name: string;
  readonly #open: OpenGroup;
  readonly #clock: Clock;
  readonly #dispatch: (event: CoreEvent) => void;
  readonly #log: Log;
  readonly #namesake: NamesakeWatch;
  #group: Group | null = null;
  #hasLeft = false;
  #lastSend: Promise<void> = Promise.resolve();

  constructor(
    name: string,
    modules: {
      readonly openGroup: OpenGroup;
      readonly clock: Clock;
      readonly log: Log;
      readonly processWatch: Pick<ProcessWatch, 'identify'>;
    },
    dispatch: (event: CoreEvent) => void,
  ) {
    this.#name = name;
    this.#open = modules.openGroup;
    this.#clock = modules.clock;
    this.#log = modules.log;
    this.#dispatch = dispatch;
    this.#namesake = new NamesakeWatch(name, modules.processWatch);
  }

  /**
   * Runs until the signal is aborted. `mayJoin` holds the first join back. Rejects with
   * CoordinatorError `UNSAFE` when this node has another daemon in the group.
   */
  async run(signal: AbortSignal, mayJoin: Promise<void>): Promise<void> {
    const backoff = new Backoff(this.#clock);
    while (!signal.aborted && !this.#hasLeft) {
      try {
        const group = await this.#open();
        try {
          await this.#serve(group, signal, mayJoin, backoff);
        } finally {
          await group.close();
        }
        if (signal.aborted || this.#hasLeft) return;
      } catch (error) {
        if (error instanceof CoordinatorError) throw error;
        this.#group = null;
        this.#dispatch({ kind: 'group-lost', reason: messageOf(error) });
      }
      await backoff.wait(signal);
    }
  }

  async #serve(
    group: Group,
    signal: AbortSignal,
    mayJoin: Promise<void>,
    backoff: Backoff,
  ): Promise<void> {
    const lost = this.#attach(group, signal);
    await mayJoin;
    if (signal.aborted) return;
    this.#dispatch({ kind: 'group-joining', self: group.self });
    this.#group = group;
    await group.join(this.#name);
    backoff.reset();
    const reason = await lost;
    if (reason instanceof CoordinatorError) throw reason;
    if (reason === null || this.#hasLeft) return;
    this.#group = null;
    this.#dispatch({ kind: 'group-lost', reason });
  }

  /**
   * Resolves with the reason when the group is lost, with an error when this daemon has to give way
   * to another one of its node, with null when the signal ends it.
   */
  #attach(group: Group, signal: AbortSignal): Promise<string | CoordinatorError | null> {
    group.on('ring', (ring) => this.#dispatch({ kind: 'ring', ring }));
    return new Promise((resolve) => {
      const end = (): void => resolve(null);
      const lose = (reason: string | CoordinatorError): void => {
        signal.removeEventListener('abort', end);
        resolve(reason);
      };
      group.on('lost', (cause) => lose(cause.message));
      group.on('message', (from, payload) => {
        const isDaemon = this.#receive(from, payload);
        const isSelf = from.pid === group.self.pid;
        if (isDaemon && !isSelf && from.nodeId === group.self.nodeId) {
          this.#meetNamesake(from, lose);
        }
      });
      group.on('view', (view) => {
        this.#namesake.meet(group.self, view.members);
        this.#dispatch({ kind: 'view', ...view });
        // Dropped from the group without a word: only a new connection brings us back.
        if (!isMember(view, group.self)) lose('corosync has dropped this daemon from its group');
      });
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** False for what is no message of a daemon that this one understands. */
  #receive(from: Member, payload: Uint8Array): boolean {
    try {
      this.#dispatch({ kind: 'message', from, envelope: decode(payload) });
      return true;
    } catch (error) {
      const reason = messageOf(error);
      if (error instanceof WireError && error.range !== null) {
        this.#dispatch({ kind: 'foreign-protocol', from, range: error.range, reason });
      } else this.#dispatch({ kind: 'garbage', from, reason });
      return false;
    }
  }

  #meetNamesake(from: Member, giveWay: (error: CoordinatorError) => void): void {
    this.#namesake.hear(from).then((error) => {
      if (error !== null) giveWay(error);
    }).catch((error: unknown) => {
      this.#log('warn', `process ${from.pid} cannot be looked at: ${messageOf(error)}`);
    });
  }

  /**
   * Sends without waiting. What cannot be sent is logged and left to the next digest, which
   * tells the others that they missed something.
   */
  send(payload: Uint8Array): void {
    if (this.#group === null) return;
    this.#lastSend = this.#group.multicast(payload).catch((error: unknown) => {
      this.#log('warn', `a message to the group was not sent: ${messageOf(error)}`);
    });
  }

  /** Leaves the group after what was sent has come back, or without waiting longer for it. */
  async leave(): Promise<void> {
    const group = this.#group;
    this.#hasLeft = true;
    this.#group = null;
    if (group === null) return;
    const patience = new AbortController();
    await Promise.race([this.#lastSend, pause(this.#clock, FAREWELL_MS, patience.signal)]);
    patience.abort();
    // Our own departure is no news to us.
    group.removeAllListeners();
    try {
      await group.leave();
    } catch (error) {
      this.#log('warn', `leaving the group failed: ${messageOf(error)}`);
    }
    await group.close();
  }
}

function isMember(view: GroupView, self: Member): boolean {
  return view.members.some(({ nodeId, pid }) => nodeId === self.nodeId && pid === self.pid);
}
