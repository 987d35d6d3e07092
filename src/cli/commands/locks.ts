import type { LockView } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';
import { renderLocks } from '../lock-table.js';

export interface LocksFilter {
  readonly resource: string | undefined;
  /** A node's name or id. */
  readonly node: string | undefined;
}

/** `holdfast locks`: who holds what, as far as this node knows. */
export async function showLocks(job: Job, filter: LocksFilter): Promise<number> {
  const { context, options, open } = job;
  const all = await (await open()).locks();
  const locks = all.filter((lock) => matches(lock, filter));
  if (options.json) {
    printJson(context, { locks });
  } else if (locks.length === 0) {
    const known = all.length === 0 ? '' : ` (${all.length} others are known)`;
    context.stdout.write(`No such lock is known to this node${known}.\n`);
  } else {
    context.stdout.write(renderLocks(locks, context.now()));
  }
  return EXIT.OK;
}

function matches(lock: LockView, { resource, node }: LocksFilter): boolean {
  const resourceFits = resource === undefined || lock.resource === resource;
  const nodeFits = node === undefined || lock.node.name === node || String(lock.node.id) === node;
  return resourceFits && nodeFits;
}
