import type { HandoverResult } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import { toWaitMs, type RawWait } from '../common-options.js';
import { EXIT } from '../exit-code.js';
import { printable } from '../text.js';

/** How long a step is waited for without --wait. */
const WAIT_MS = 30_000;

export interface HandoverOptions {
  readonly owner: string;
  readonly wait?: RawWait;
}

/** `holdfast handover open`: the lock of this node may be joined on another. */
export async function openHandover(
  job: Job,
  resource: string,
  { owner, to, offer }: HandoverOptions & { readonly to: string; readonly offer?: number },
): Promise<number> {
  const question = { resource, owner: { kind: 'named', name: owner }, to } as const;
  const client = await job.open();
  const offerMs = offer === undefined ? {} : { offerMs: offer };
  return print(job, resource, await client.openHandover({ ...question, ...offerMs }));
}

/** `holdfast handover join`, `finish`, `abort`. */
export async function stepHandover(
  job: Job,
  step: 'join' | 'finish' | 'abort',
  resource: string,
  { owner, wait }: HandoverOptions,
): Promise<number> {
  const waitMs = wait === undefined ? WAIT_MS : toWaitMs(wait);
  const question = { resource, owner: { kind: 'named', name: owner }, waitMs } as const;
  return print(job, resource, await (await job.open()).stepHandover(step, question));
}

function print({ context, options }: Job, resource: string, result: HandoverResult): number {
  if (options.json) printJson(context, result);
  else context.stdout.write(`${printable(`${resource}: ${describe(result)}`)}\n`);
  return EXIT.OK;
}

function describe({ at, lock }: HandoverResult): string {
  const other = lock?.handover?.node.name ?? 'the other node';
  switch (at) {
    case 'offered':
      return `offered to ${other}; nobody else can have it meanwhile`;
    case 'joined':
      return `held here and on ${other}; nobody else can have it`;
    case 'exclusive': {
      const generation = lock?.generation ?? null;
      return generation === null ? 'held here alone' : `held here alone, generation ${generation}`;
    }
    case 'released':
      return 'not held here any more';
    default:
      return at satisfies never;
  }
}
