import { CS_DISPATCH_ONE_NONBLOCKING } from '../native/corotypes.js';
import { offThread } from '../native/off-thread.js';
import type { NativePoll } from '../native/poll.js';
import { callbacksInto, type Inbox } from './callbacks.js';
import type { CpgConnection, CpgConnectionListener, CpgEvent } from './connection.js';
import { CPG_MODEL_V1, CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF } from './constants.js';
import { enquiryOf, nativeName, type CpgEnquiry } from './enquiry.js';
import type { CpgHandle, CpgLibrary } from './library.js';
import { check } from './status.js';

/**
 * Connects to this node's corosync. Rejects with CpgError; nothing is left behind then.
 * @see cpg_model_initialize(3)
 */
export async function connectCpg(library: CpgLibrary): Promise<CpgConnection> {
  const inbox: Inbox = { events: [], kept: () => null };
  const callbacks = library.register(callbacksInto(library, inbox));
  const model = {
    model: CPG_MODEL_V1,
    cpg_deliver_fn: callbacks.deliver,
    cpg_confchg_fn: callbacks.confchg,
    cpg_totem_confchg_fn: callbacks.totemConfchg,
    flags: CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF,
  };
  const handle: [CpgHandle | null] = [null];
  try {
    const status = await library.lane.run(() => offThread(
      library.cpg_model_initialize, handle, CPG_MODEL_V1, model, null,
    ));
    check('cpg_model_initialize', status);
  } catch (thrown) {
    callbacks.release();
    throw thrown;
  }
  const open = handle[0] as CpgHandle;
  const close = async (): Promise<void> => {
    // A dead corosync answers CS_ERR_LIBRARY; the library frees its side all the same.
    await library.lane.run(() => offThread(library.cpg_finalize, open));
    setImmediate(() => callbacks.release());
  };
  try {
    return new NativeConnection(library, open, await factsOf(library, open), inbox, close);
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

interface ConnectionFacts {
  readonly nodeId: number;
  readonly payloadBytesMax: number;
  readonly fd: number;
}

async function factsOf(library: CpgLibrary, handle: CpgHandle): Promise<ConnectionFacts> {
  const nodeId: [number] = [0];
  check('cpg_local_get', await offThread(library.cpg_local_get, handle, nodeId));
  const size: [number] = [0];
  check('cpg_max_atomic_msgsize_get', library.cpg_max_atomic_msgsize_get(handle, size));
  const fd: [number] = [-1];
  check('cpg_fd_get', library.cpg_fd_get(handle, fd));
  return { nodeId: nodeId[0], payloadBytesMax: size[0], fd: fd[0] };
}

type Polling =
  | { readonly kind: 'off' }
  | { readonly kind: 'on'; readonly poll: NativePoll }
  | { readonly kind: 'closed' };

class NativeConnection implements CpgConnection {
  readonly nodeId: number;
  readonly payloadBytesMax: number;
  readonly fd: number;
  readonly enquiry: CpgEnquiry;
  #polling: Polling = { kind: 'off' };
  /** The request under way off the main thread, if any: closing must not overtake it. */
  #request: Promise<unknown> = Promise.resolve();
  #requests = 0;
  #closing: Promise<void> | null = null;

  constructor(
    private readonly library: CpgLibrary,
    private readonly handle: CpgHandle,
    facts: ConnectionFacts,
    private readonly inbox: Inbox,
    private readonly finalize: () => Promise<void>,
  ) {
    this.nodeId = facts.nodeId;
    this.payloadBytesMax = facts.payloadBytesMax;
    this.fd = facts.fd;
    this.enquiry = enquiryOf(library);
  }

  get busy(): boolean {
    return this.#requests > 0;
  }

  watch(listener: CpgConnectionListener): void {
    this.inbox.kept = (from, bytes) => listener.kept(from, bytes);
    const poll = this.library.poll(this.fd, () => listener.readable());
    this.#polling = { kind: 'on', poll };
  }

  join(name: Uint8Array): Promise<number> {
    return this.#alone(this.library.cpg_join, name);
  }

  leave(name: Uint8Array): Promise<number> {
    return this.#alone(this.library.cpg_leave, name);
  }

  send(payload: Uint8Array, guarantee: number): number {
    return this.library.multicast(this.handle, guarantee, payload);
  }

  context(): { readonly status: number; readonly value: bigint } {
    const out = new BigUint64Array(1);
    const status = this.library.cpg_context_get(this.handle, out);
    return { status, value: out[0] ?? 0n };
  }

  setContext(value: bigint): number {
    return this.library.cpg_context_set(this.handle, value);
  }

  flowControl(): { readonly status: number; readonly state: number } {
    const out: [number] = [0];
    const status = this.library.cpg_flow_control_state_get(this.handle, out);
    return { status, state: out[0] };
  }

  dispatch(): number {
    return this.library.cpg_dispatch(this.handle, CS_DISPATCH_ONE_NONBLOCKING);
  }

  take(): CpgEvent | undefined {
    return this.inbox.events.shift();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Poll first: uv_poll aborts the process on a descriptor that finalize has closed. */
  async #close(): Promise<void> {
    if (this.#polling.kind === 'on') this.#polling.poll.close();
    this.#polling = { kind: 'closed' };
    await this.#request;
    await this.finalize();
  }

  /** Stops dispatching meanwhile, so that the handle never sees two threads at once. */
  async #alone(call: CpgLibrary['cpg_join'], name: Uint8Array): Promise<number> {
    // Before the poll is stopped: nothing may come between that and the start again.
    const group = nativeName(name);
    if (this.#polling.kind === 'on') this.#polling.poll.stop();
    this.#requests += 1;
    const request = offThread(call, this.handle, group);
    // Whatever becomes of it, closing only waits for its end.
    this.#request = request.catch(() => undefined);
    try {
      return await request;
    } finally {
      this.#requests -= 1;
      if (this.#polling.kind === 'on') this.#polling.poll.start();
    }
  }
}
