import { systemClock, type Clock } from '../../clock.js';
import { CpgError } from '../error.js';
import { openCpg } from '../open.js';
import type { OpenGroup } from '../port.js';
import { GroupChannel } from './channel.js';
import { CHANNEL_LIMITS, type ChannelLimits } from './limits.js';
import type { Channel } from './port.js';

export interface ChannelOptions extends Partial<ChannelLimits> {
  /** Where groups come from: this node's corosync unless given; an embedded process has one. */
  readonly openGroup?: OpenGroup;
  /** The machine's own unless given. */
  readonly clock?: Clock;
}

/** Lowest and highest value of each limit; a whole number each. */
const RANGES: Readonly<Record<keyof ChannelLimits, readonly [number, number]>> = {
  messageBytesMax: [1, 2 ** 32 - 1],
  batchBytesMax: [64, 1 << 20],
  batchMessagesMax: [1, 1 << 20],
  batchDelayMs: [0, 60_000],
  chunkBytesMax: [1, 1 << 20],
  queuedMessagesMax: [1, 2 ** 31],
  queuedBytesMax: [1, 2 ** 40],
  waitingSendsMax: [1, 2 ** 31],
  inFlightFramesMax: [1, 128],
  inFlightBytesMax: [1, 2 ** 31],
  assemblyBytesMax: [1, 2 ** 40],
  sendersMax: [1, 2 ** 20],
  reconnectDelayMsMin: [1, 3_600_000],
  reconnectDelayMsMax: [1, 3_600_000],
};

/**
 * Makes a channel; nothing is connected before its `join`, so attach the listeners first.
 * Throws CpgError `INVALID_PARAM` when a limit is no whole number within its range.
 */
export function openChannel(options: ChannelOptions = {}): Channel {
  if (typeof options !== 'object' || options === null) {
    throw badLimit('options', options, 'an object, or nothing');
  }
  const { openGroup: open = openCpg, clock = systemClock, ...given } = options;
  const limits = { ...CHANNEL_LIMITS, ...given };
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value: unknown = limits[name as keyof ChannelLimits];
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
      throw badLimit(name, value, `a whole number from ${least} to ${most}`);
    }
  }
  if (limits.assemblyBytesMax < limits.messageBytesMax) {
    throw badLimit('assemblyBytesMax', limits.assemblyBytesMax, 'at least messageBytesMax');
  }
  const endOfTurn = (callback: () => void): void => void setImmediate(callback);
  return new GroupChannel({ openGroup: open, clock, endOfTurn }, limits);
}

function badLimit(name: string, value: unknown, wanted: string): CpgError {
  const text = `openChannel: ${name} is ${String(value)}; give ${wanted}`;
  return new CpgError('INVALID_PARAM', 'openChannel', text);
}
