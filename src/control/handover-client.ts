import type { IncomingMessage } from 'node:http';
import type { Exchange } from './exchange.js';
import { RELEASE_REPLY_MS_MAX } from './limits.js';
import { readReply } from './reply.js';
import { waitTimeoutMs } from './reply-timeout.js';
import { handoverReplySchema, type HandoverResult, type Owner } from './schema.js';

export interface HandoverOpenQuestion {
  readonly resource: string;
  readonly owner: Owner;
  /** The destination: its name or number. */
  readonly to: string;
  /** How long the offer stands when nobody joins it, in ms; absent: a minute. */
  readonly offerMs?: number;
}

export interface HandoverStepQuestion {
  readonly resource: string;
  readonly owner: Owner;
  /** How long to wait for the step, in ms; null = for ever. */
  readonly waitMs: number | null;
  /** Aborting it hangs up; only a join that was not confirmed is then undone. */
  readonly signal?: AbortSignal;
}

/** The part of the client that hands locks over; see `ControlClient`. */
export interface HandoverCalls {
  /** Offers a lock that is held in EX to its owner on another node. */
  openHandover(question: HandoverOpenQuestion): Promise<HandoverResult>;
  /** A step of a handover that was opened. */
  stepHandover(
    step: 'join' | 'finish' | 'abort', question: HandoverStepQuestion,
  ): Promise<HandoverResult>;
}

type Send = (ask: Partial<Exchange> & Pick<Exchange, 'path'>) => Promise<IncomingMessage>;

export function handoverCalls(socketPath: string, send: Send): HandoverCalls {
  return {
    async openHandover(body) {
      const timeoutMs = RELEASE_REPLY_MS_MAX;
      const response = await send({ method: 'POST', path: '/v1/handover/open', body, timeoutMs });
      return readReply(response, handoverReplySchema, socketPath);
    },
    async stepHandover(step, { signal = null, ...body }) {
      const timeoutMs = waitTimeoutMs(body.waitMs);
      const path = `/v1/handover/${step}`;
      const response = await send({ method: 'POST', path, body, timeoutMs, signal });
      return readReply(response, handoverReplySchema, socketPath);
    },
  };
}
