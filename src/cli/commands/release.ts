import type { Owner, ReleaseResult } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';
import { readOwner, type OwnerOptions } from '../owner-options.js';
import { printable } from '../text.js';
import { describeOwner } from '../wording.js';

/** `holdfast release`: gives a lock back. That there was none is no harm, but is said. */
export async function release(job: Job, resource: string, whose: OwnerOptions): Promise<number> {
  const { context, options, open } = job;
  const owner = await readOwner(whose);
  const result = await (await open()).release({ resource, owner });
  if (options.json) {
    printJson(context, result);
  } else {
    context.stdout.write(`${printable(`${resource}: ${describe(result, owner)}`)}\n`);
  }
  return EXIT.OK;
}

function describe({ released, pending }: ReleaseResult, owner: Owner): string {
  if (pending) {
    return 'release accepted; it is finished when the lockspace runs again';
  }
  return released ? 'released' : `nothing to release: ${describeOwner(owner)} holds no lock on it`;
}
