import type { CmapEvent } from './connection.js';
import { CMAP_TRACK_ADD, CMAP_TRACK_DELETE, CMAP_TRACK_MODIFY } from './constants.js';
import { CmapError } from './error.js';
import type { CmapLibrary, NativeNotify, NativeNotifyValue } from './library.js';
import { VALUE_BYTES_MAX } from './limits.js';
import type { CmapChange, CmapValue } from './port.js';
import { decodeValue } from './value.js';

/** A callback that only copies and enqueues: after one throw koffi skips every later one. */
export function notifyInto(
  { copyBytes }: Pick<CmapLibrary, 'copyBytes'>, events: CmapEvent[],
): NativeNotify {
  const read = ({ type, len, data }: NativeNotifyValue): CmapValue => {
    // The zero that libcmap may add to a string is the one byte more.
    if (len <= VALUE_BYTES_MAX + 1) return decodeValue(type, copyBytes(data, len));
    const text = `a value of ${len} bytes; corosync stores ${VALUE_BYTES_MAX} at most`;
    throw new CmapError('MESSAGE_ERROR', 'cmap_dispatch', text);
  };
  return (_handle, _track, event, key, newValue, oldValue, tracker) => {
    try {
      const change = changeOf(event, key, () => read(newValue), () => read(oldValue));
      events.push({ kind: 'change', tracker, change });
    } catch (cause) {
      events.push({ kind: 'broken', cause });
    }
  };
}

function changeOf(
  event: number, key: string, after: () => CmapValue, before: () => CmapValue,
): CmapChange {
  switch (event) {
    case CMAP_TRACK_ADD:
      return { kind: 'added', key, value: after() };
    case CMAP_TRACK_MODIFY:
      return { kind: 'modified', key, value: after(), before: before() };
    case CMAP_TRACK_DELETE:
      return { kind: 'deleted', key, before: before() };
    default: {
      const text = `${key}: an event of kind ${event}, which this version does not know`;
      throw new CmapError('NOT_SUPPORTED', 'cmap_dispatch', text, { key });
    }
  }
}
