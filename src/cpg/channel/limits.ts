/** Bounds and delays of a channel. Every member of a group should use the same receive bounds. */
export interface ChannelLimits {
  /** The largest message, in bytes; at most 2^32 - 1. A larger announced one is rejected. */
  readonly messageBytesMax: number;
  /** Small messages share a frame up to this many bytes, headers included. */
  readonly batchBytesMax: number;
  /** Small messages share a frame up to this many. */
  readonly batchMessagesMax: number;
  /**
   * How long a small message may wait for company, in ms. 0: until the end of the loop's turn.
   * Whatever this says, messages gather as long as the window is full.
   */
  readonly batchDelayMs: number;
  /** Bytes of a large message in one frame, at most; also bound by what corosync takes. */
  readonly chunkBytesMax: number;
  /** Accepted and not sent yet. One message that is alone may exceed the bytes. */
  readonly queuedMessagesMax: number;
  readonly queuedBytesMax: number;
  /** Calls of `send` and `multicast` that wait for room; one more is refused: `QUEUE_FULL`. */
  readonly waitingSendsMax: number;
  /** Frames sent whose own copy has not come back. A frame that is alone may exceed the bytes. */
  readonly inFlightFramesMax: number;
  readonly inFlightBytesMax: number;
  /** Memory for incomplete messages of all senders together, in bytes as announced. */
  readonly assemblyBytesMax: number;
  /** Senders that are kept track of. A CPG group has at most 128 members. */
  readonly sendersMax: number;
  /** First and longest pause before a new connection, in ms; doubled each time. */
  readonly reconnectDelayMsMin: number;
  readonly reconnectDelayMsMax: number;
}

export const CHANNEL_LIMITS: ChannelLimits = {
  messageBytesMax: 64 << 20,
  batchBytesMax: 64 << 10,
  batchMessagesMax: 8_192,
  batchDelayMs: 0,
  chunkBytesMax: 256 << 10,
  queuedMessagesMax: 65_536,
  queuedBytesMax: 16 << 20,
  waitingSendsMax: 1_024,
  inFlightFramesMax: 16,
  inFlightBytesMax: 2 << 20,
  assemblyBytesMax: 256 << 20,
  sendersMax: 128,
  reconnectDelayMsMin: 200,
  reconnectDelayMsMax: 5_000,
};
