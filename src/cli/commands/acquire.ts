import type { AcquireResult, LockMode } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import { toWaitMs, type RawWait } from '../common-options.js';
import { EXIT } from '../exit-code.js';
import { readOwner, type OwnerOptions } from '../owner-options.js';
import { describeTime, printable } from '../text.js';
import { describeOwner } from '../wording.js';

export interface ModeOptions {
  readonly shared?: boolean;
  readonly mode?: LockMode;
}

/** Exclusive unless said otherwise. */
export function toMode({ shared, mode }: ModeOptions): LockMode {
  return mode ?? (shared === true ? 'PR' : 'EX');
}

/** `holdfast acquire`: takes one lock for an owner that outlives this command. */
export async function acquire(
  job: Job,
  resource: string,
  wanted: ModeOptions & OwnerOptions & { readonly wait?: RawWait },
): Promise<number> {
  const { context, options, open } = job;
  const owner = await readOwner(wanted);
  const result = await (await open()).acquire({
    resource, mode: toMode(wanted), owner, waitMs: toWaitMs(wanted.wait),
  });
  if (options.json) {
    printJson(context, result);
    return EXIT.OK;
  }
  context.stdout.write(describeAcquired(result, context.now()));
  return EXIT.OK;
}

/** One line: what was acquired, for whom, where; or since when it is held already. */
export function describeAcquired(result: AcquireResult, now: number): string {
  const { lock, acquired, convertedFrom } = result;
  const number = lock.generation === null ? '' : `, generation ${lock.generation}`;
  if (convertedFrom !== null) {
    return `${printable(
      `${lock.resource}: converted from mode ${convertedFrom} to ${lock.mode} ` +
        `for ${describeOwner(lock.owner)} on ${lock.node.name}${number}`,
    )}\n`;
  }
  const since = acquired ? '' : `, since ${describeTime(lock.since, now)}`;
  return `${printable(
    `${lock.resource}: ${acquired ? 'acquired' : 'held already'} in mode ${lock.mode} ` +
      `for ${describeOwner(lock.owner)} on ${lock.node.name}${number}${since}`,
  )}\n`;
}
