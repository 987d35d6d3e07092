import { CmapError, type CmapErrorCode } from '../../../src/cmap/index.js';
import { CpgError, type CpgErrorCode } from '../../../src/cpg/index.js';
import { QuorumError, type QuorumErrorCode } from '../../../src/quorum/index.js';

/** What the test asks of the agent that runs inside a node. */
export interface Request {
  readonly id: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

/** What the agent sends back. Values are structured clones, so bigint and bytes pass. */
export type Reply =
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'event'; readonly name: string; readonly args: readonly unknown[] };

export interface WireError {
  readonly type: 'cpg' | 'quorum' | 'cmap' | 'other';
  readonly code: string;
  readonly operation: string;
  readonly message: string;
  readonly status: number | null;
  readonly retryable: boolean;
}

export function toWire(thrown: unknown): WireError {
  if (thrown instanceof CpgError || thrown instanceof QuorumError) {
    const type = thrown instanceof CpgError ? 'cpg' : 'quorum';
    const { code, operation, message, status, retryable } = thrown;
    return { type, code, operation, message, status, retryable };
  }
  if (thrown instanceof CmapError) {
    const { code, operation, message, status, retryable } = thrown;
    return { type: 'cmap', code, operation, message, status, retryable };
  }
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return { type: 'other', code: '', operation: '', message, status: null, retryable: false };
}

export function fromWire(error: WireError): Error {
  const facts = {
    retryable: error.retryable,
    ...(error.status === null ? {} : { status: error.status }),
  };
  const { operation, message } = error;
  switch (error.type) {
    case 'cpg':
      return new CpgError(error.code as CpgErrorCode, operation, message, facts);
    case 'quorum':
      return new QuorumError(error.code as QuorumErrorCode, operation, message, facts);
    case 'cmap':
      return new CmapError(error.code as CmapErrorCode, operation, message, facts);
    case 'other':
      return new Error(message);
  }
}
