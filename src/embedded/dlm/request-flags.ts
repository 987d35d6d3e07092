import type { ConvertRequest, LockFlag, LockMode, TakeRequest } from '../../dlm/index.js';
import type { LockFlags } from './lock.js';

/** What the request says beside mode and waiting, in the engine's terms. */
export function engineFlags(request: TakeRequest | ConvertRequest): LockFlags {
  const { flags = [], value } = request;
  const alternative: LockMode[] = [];
  if (flags.includes('ALTPR')) alternative.push('PR');
  if (flags.includes('ALTCW')) alternative.push('CW');
  const has = (flag: LockFlag): boolean => flags.includes(flag);
  return {
    queueConvert: has('QUECVT'),
    headOfQueue: has('HEADQUE'),
    noOrder: has('NOORDER'),
    noticeRefused: has('NOQUEUEBAST'),
    demote: has('CONVDEADLK'),
    ignoreDeadlock: has('NODLCKWT'),
    alternative,
    ...(value === undefined ? {} : { value: copyOf(value) }),
  };
}

/** The caller may change its buffer before the kernel gets to the request. */
function copyOf(value: NonNullable<LockFlags['value']>): NonNullable<LockFlags['value']> {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}
