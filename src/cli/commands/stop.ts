import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';

export interface StopOptions {
  readonly releaseLocks?: true;
  readonly keepLocks?: true;
}

/** `holdfast stop`: stops the daemon cleanly; refused while it holds locks, unless told how. */
export async function stop(job: Job, choice: StopOptions): Promise<number> {
  const { context, options, open } = job;
  const kept = choice.keepLocks === true ? 'keep' : 'refuse';
  const result = await (await open()).stop(choice.releaseLocks === true ? 'release' : kept);
  if (options.json) printJson(context, result);
  else context.stdout.write(`${describe(result.kept)}\n`);
  return EXIT.OK;
}

function describe(kept: number): string {
  if (kept === 0) return 'stopped; nothing is left held';
  const locks = kept === 1 ? '1 lock is' : `${kept} locks are`;
  return `stopped; ${locks} kept as orphans of this node, for the next start to adopt`;
}
