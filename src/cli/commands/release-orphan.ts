import { userInfo } from 'node:os';
import type { LockMode, ReleaseOrphanResult } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import type { CliContext } from '../context.js';
import { EXIT } from '../exit-code.js';
import { renderOrphan } from '../orphan-text.js';
import { printable } from '../text.js';

export interface ReleaseOrphanOptions {
  readonly mode: LockMode;
  readonly reason: string;
  readonly expect?: number | null;
  readonly yes?: true;
}

/**
 * `holdfast release-orphan`: ends the quarantine of a lock that no list explains. Changes nothing
 * without --yes: whatever still writes under that lock is unprotected once it is released.
 */
export async function releaseOrphan(
  job: Job,
  resource: string,
  { mode, reason, expect = null, yes }: ReleaseOrphanOptions,
): Promise<number> {
  const { context, options, open } = job;
  const result = await (await open()).releaseOrphan({
    resource, mode, expect, reason, by: whoAsks(context), dryRun: yes !== true,
  });
  if (options.json) {
    printJson(context, result);
    return EXIT.OK;
  }
  if (result.dryRun) context.stdout.write(`${renderOrphan(result.orphan, context.now())}\n`);
  context.stdout.write(`${printable(`${resource}: ${describe(result)}`)}\n`);
  return EXIT.OK;
}

function describe({ dryRun, released, pending, others }: ReleaseOrphanResult): string {
  const more = others === 0
    ? ''
    : `; ${others} more of this name and mode would still be there, each released by itself`;
  if (dryRun && pending) return 'its release was asked for before and is under way';
  if (dryRun) {
    const guard = others === 0 ? '' : ` --expect ${others + 1}`;
    return `would be released${more}. Nothing was done: make sure that nothing uses what it ` +
      `protects, then repeat the command with${guard} --yes`;
  }
  if (pending) return 'release accepted; it is finished when the lockspace runs again';
  const left = others === 0 ? '' : `; ${others} more of this name and mode are still there`;
  return released ? `released${left}` : 'nothing to release';
}

/** `alice as root` behind sudo(8). As good as what the environment says: a note, no proof. */
function whoAsks({ env }: CliContext): string {
  const user = userName();
  const { SUDO_USER: before = '' } = env;
  return before === '' || before === user ? user : `${before} as ${user}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // Thrown for a user without an entry in the password database.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
