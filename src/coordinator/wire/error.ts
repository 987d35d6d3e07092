import type { ProtocolRange } from '../core/message.js';
import { HoldfastError, type ErrorFacts } from '../../errors.js';

/**
 * Why bytes are no message, or a message cannot become bytes.
 *
 * - `BAD_MAGIC`: not from a Holdfast, or in another framing. `TRUNCATED`: the end is missing.
 * - `BAD_ENCODING`: no protobuf. `BAD_FIELD`: a field is missing or out of its range.
 * - `TOO_LONG`: more bytes than a message may have.
 * - `NEWER_PROTOCOL`, `OLDER_PROTOCOL`: the sender speaks none of our protocols.
 */
export type WireErrorCode =
  | 'BAD_MAGIC' | 'TRUNCATED' | 'BAD_ENCODING' | 'BAD_FIELD' | 'TOO_LONG'
  | 'NEWER_PROTOCOL' | 'OLDER_PROTOCOL';

/** An operating error of the wire format. */
export class WireError extends HoldfastError {
  readonly code: WireErrorCode;
  /** With NEWER_PROTOCOL and OLDER_PROTOCOL: what the sender speaks; null otherwise. */
  readonly range: ProtocolRange | null;

  constructor(
    code: WireErrorCode,
    message: string,
    facts: ErrorFacts & { readonly range?: ProtocolRange } = {},
  ) {
    super(message, facts);
    this.code = code;
    this.range = facts.range ?? null;
  }
}
