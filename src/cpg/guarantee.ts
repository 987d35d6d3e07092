import * as c from './constants.js';
import { CpgError } from './error.js';
import type { Guarantee } from './port.js';

/** The CPG_TYPE_* of a guarantee. Throws CpgError `INVALID_PARAM`. */
export function guaranteeType(guarantee: Guarantee): number {
  const type = TYPES.get(guarantee);
  if (type !== undefined) return type;
  const text = `multicast: no guarantee is called that; there are ${[...TYPES.keys()].join(', ')}`;
  throw new CpgError('INVALID_PARAM', 'multicast', text);
}

const TYPES: ReadonlyMap<Guarantee, number> = new Map([
  ['unordered', c.CPG_TYPE_UNORDERED],
  ['fifo', c.CPG_TYPE_FIFO],
  ['agreed', c.CPG_TYPE_AGREED],
  ['safe', c.CPG_TYPE_SAFE],
]);
