import { HoldfastError } from '../errors.js';
import { ControlError } from './error.js';
import { EventTooLong, readEvents } from './event-stream.js';
import { exchange, toControlError, type Exchange } from './exchange.js';
import { handoverCalls, type HandoverCalls } from './handover-client.js';
import { RELEASE_REPLY_MS_MAX, REPLY_MS_MAX } from './limits.js';
import { waitTimeoutMs } from './reply-timeout.js';
import { badReply, parseReply, readReply } from './reply.js';
import {
  acquireReplySchema, acquireSetReplySchema, convertReplySchema, eventSchema, explanationSchema,
  lastManifestSchema, locksReplySchema, nodesReplySchema, orphansReplySchema,
  releaseOrphanReplySchema, releaseReplySchema, statusSchema, stopReplySchema, watchEndSchema,
  type AcquireResult, type AcquireSetResult, type ConvertResult, type CoordinatorEvent,
  type Explanation, type LastManifest, type LockMode, type LockView, type NodeView,
  type OrphanView, type Owner, type ReleaseOrphanResult, type ReleaseResult, type StatusView,
} from './schema.js';

export interface AcquireQuestion {
  readonly resource: string;
  readonly mode: LockMode;
  readonly owner: Owner;
  /** In ms: 0 = do not wait, null = for ever. */
  readonly waitMs: number | null;
  /** Aborting it hangs up, and so cancels a waiting acquire. */
  readonly signal?: AbortSignal;
}

export interface AcquireSetQuestion {
  /** 2 to 64 resources, none twice. */
  readonly members: readonly { readonly resource: string; readonly mode: LockMode }[];
  readonly owner: Owner;
  /** For all of them together, in ms: 0 = do not wait, null = for ever. */
  readonly waitMs: number | null;
  /** Aborting it hangs up: what was taken already is given back. */
  readonly signal?: AbortSignal;
}

export interface ReleaseQuestion {
  readonly resource: string;
  readonly owner: Owner;
  /** How long to wait for the answer, in ms; the release goes on without us. */
  readonly timeoutMs?: number;
}

export interface ReleaseOrphanQuestion {
  /** As `orphans` shows it. */
  readonly resource: string;
  readonly mode: LockMode;
  /** How many of that name and mode there must be, or none is released; null = any number. */
  readonly expect?: number | null;
  /** 1 to 256 bytes of UTF-8 without control characters; logged and listed. */
  readonly reason: string;
  /** Who asks; null = not said. The daemon believes it. */
  readonly by: string | null;
  /** True to be told what would be released, and change nothing. */
  readonly dryRun: boolean;
}

/**
 * The daemon's control API. Each call opens a connection of its own. Every method throws
 * `RefusedError` when the daemon says no, and `ControlError` when it cannot be asked.
 */
export interface ControlClient extends HandoverCalls {
  status(): Promise<StatusView>;
  nodes(): Promise<readonly NodeView[]>;
  locks(): Promise<readonly LockView[]>;
  explain(resource: string): Promise<Explanation>;
  /** What a node, by name or id, last told of its locks; kept when it is gone. */
  lastManifest(node: string): Promise<LastManifest>;
  acquire(question: AcquireQuestion): Promise<AcquireResult>;
  /** All of them or none: on a refusal nothing stays that was taken for it. */
  acquireSet(question: AcquireSetQuestion): Promise<AcquireSetResult>;
  /** Gives a held lock that mode; the question is that of an acquire. */
  convert(question: AcquireQuestion): Promise<ConvertResult>;
  release(question: ReleaseQuestion): Promise<ReleaseResult>;
  /** The locks that no list explains. */
  orphans(): Promise<readonly OrphanView[]>;
  /** Releases one of them, of the daemon's own node: its protection ends. */
  releaseOrphan(question: ReleaseOrphanQuestion): Promise<ReleaseOrphanResult>;
  /** Stops the daemon cleanly; `refuse` throws `LOCKS_HELD` while it holds any. */
  stop(locks: 'refuse' | 'release' | 'keep'): Promise<{ readonly kept: number }>;
  /**
   * Every change from now on. Ends without an error only when `signal` is aborted; otherwise it
   * throws `WATCH_ENDED` with the daemon's reason, or `CONNECTION_LOST`.
   */
  watch(signal: AbortSignal): AsyncGenerator<CoordinatorEvent>;
}

/** Connects to nothing yet: the first call does. */
export function openControlClient(options: { readonly socketPath: string }): ControlClient {
  const { socketPath } = options;
  const send = (ask: Partial<Exchange> & Pick<Exchange, 'path'>) => exchange(socketPath, {
    method: 'GET', body: null, timeoutMs: REPLY_MS_MAX, signal: null, ...ask,
  });
  return {
    async status() {
      return readReply(await send({ path: '/v1/status' }), statusSchema, socketPath);
    },
    async nodes() {
      const response = await send({ path: '/v1/nodes' });
      return (await readReply(response, nodesReplySchema, socketPath)).nodes;
    },
    async locks() {
      const response = await send({ path: '/v1/locks' });
      return (await readReply(response, locksReplySchema, socketPath)).locks;
    },
    async explain(resource) {
      const response = await send({ path: `/v1/explain?resource=${encodeURIComponent(resource)}` });
      return readReply(response, explanationSchema, socketPath);
    },
    async lastManifest(node) {
      const path = `/v1/last-manifest?node=${encodeURIComponent(node)}`;
      return readReply(await send({ path }), lastManifestSchema, socketPath);
    },
    async acquire({ signal = null, ...body }) {
      const timeoutMs = waitTimeoutMs(body.waitMs);
      const path = '/v1/acquire';
      const response = await send({ method: 'POST', path, body, timeoutMs, signal });
      return readReply(response, acquireReplySchema, socketPath);
    },
    async acquireSet({ signal = null, ...body }) {
      const timeoutMs = waitTimeoutMs(body.waitMs);
      const path = '/v1/acquire-set';
      const response = await send({ method: 'POST', path, body, timeoutMs, signal });
      return readReply(response, acquireSetReplySchema, socketPath);
    },
    async convert({ signal = null, ...body }) {
      const timeoutMs = waitTimeoutMs(body.waitMs);
      const path = '/v1/convert';
      const response = await send({ method: 'POST', path, body, timeoutMs, signal });
      return readReply(response, convertReplySchema, socketPath);
    },
    ...handoverCalls(socketPath, send),
    async release({ timeoutMs = RELEASE_REPLY_MS_MAX, ...body }) {
      const response = await send({ method: 'POST', path: '/v1/release', body, timeoutMs });
      return readReply(response, releaseReplySchema, socketPath);
    },
    async orphans() {
      const response = await send({ path: '/v1/orphans' });
      return (await readReply(response, orphansReplySchema, socketPath)).orphans;
    },
    async releaseOrphan(body) {
      const response = await send({
        method: 'POST', path: '/v1/release-orphan', body, timeoutMs: RELEASE_REPLY_MS_MAX,
      });
      return readReply(response, releaseOrphanReplySchema, socketPath);
    },
    async stop(locks) {
      const response = await send({
        method: 'POST', path: '/v1/stop', body: { locks }, timeoutMs: RELEASE_REPLY_MS_MAX,
      });
      return readReply(response, stopReplySchema, socketPath);
    },
    watch: (signal) => watch(socketPath, signal),
  };
}

async function* watch(
  socketPath: string,
  signal: AbortSignal,
): AsyncGenerator<CoordinatorEvent> {
  try {
    const response = await exchange(socketPath, {
      method: 'GET', path: '/v1/watch', body: null, timeoutMs: REPLY_MS_MAX, signal,
    });
    if (response.statusCode !== 200) {
      await readReply(response, eventSchema, socketPath);
      return;
    }
    for await (const event of readEvents(response)) {
      if (event.name === 'end') {
        const end = parseReply(event.data, watchEndSchema, socketPath);
        throw new ControlError('WATCH_ENDED', socketPath, end.message, { retryable: true });
      }
      yield parseReply(event.data, eventSchema, socketPath);
    }
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    throw toWatchError(error, socketPath);
  }
  if (!signal.aborted) {
    throw toControlError(new Error('the stream ended without a reason'), socketPath);
  }
}

function toWatchError(error: unknown, socketPath: string): unknown {
  if (error instanceof EventTooLong) {
    return badReply(socketPath, error.message, error);
  }
  return error instanceof HoldfastError ? error : toControlError(error, socketPath);
}
