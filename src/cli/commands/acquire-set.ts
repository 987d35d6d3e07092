import { printJson, type Job } from '../action.js';
import { toWaitMs, type RawWait } from '../common-options.js';
import { EXIT } from '../exit-code.js';
import { readOwner, type OwnerOptions } from '../owner-options.js';
import { describeAcquired, toMode, type ModeOptions } from './acquire.js';

/** `holdfast acquire R1 R2...`: takes all of them for one owner, or none. */
export async function acquireSet(
  job: Job,
  resources: readonly string[],
  wanted: ModeOptions & OwnerOptions & { readonly wait?: RawWait },
): Promise<number> {
  const { context, options, open } = job;
  const owner = await readOwner(wanted);
  const mode = toMode(wanted);
  const result = await (await open()).acquireSet({
    members: resources.map((resource) => ({ resource, mode })),
    owner,
    waitMs: toWaitMs(wanted.wait),
  });
  if (options.json) {
    printJson(context, result);
    return EXIT.OK;
  }
  for (const member of result.members) {
    context.stdout.write(describeAcquired(member, context.now()));
  }
  return EXIT.OK;
}
