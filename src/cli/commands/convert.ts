import type { ConvertResult, LockMode } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import { toWaitMs, type RawWait } from '../common-options.js';
import { EXIT } from '../exit-code.js';
import { readOwner, type OwnerOptions } from '../owner-options.js';
import { printable } from '../text.js';
import { describeOwner } from '../wording.js';

/** `holdfast convert`: gives a lock that its owner holds another mode. */
export async function convert(
  job: Job,
  resource: string,
  wanted: OwnerOptions & { readonly mode: LockMode; readonly wait?: RawWait },
): Promise<number> {
  const { context, options, open } = job;
  const owner = await readOwner(wanted);
  const { mode, wait } = wanted;
  const result = await (await open()).convert({ resource, mode, owner, waitMs: toWaitMs(wait) });
  if (options.json) printJson(context, result);
  else context.stdout.write(`${printable(`${resource}: ${describe(result, mode)}`)}\n`);
  return EXIT.OK;
}

function describe({ lock, from, converted, pending }: ConvertResult, mode: LockMode): string {
  const whose = `for ${describeOwner(lock.owner)} on ${lock.node.name}`;
  if (pending) {
    return `convert from mode ${from} to ${mode} accepted ${whose}; it is finished when the ` +
      'lockspace runs again';
  }
  return converted
    ? `converted from mode ${from} to ${mode} ${whose}`
    : `held already in mode ${mode} ${whose}`;
}
