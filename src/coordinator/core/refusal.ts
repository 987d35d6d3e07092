import type { Answer, RefusalCode } from './effect.js';
import type { LockFailure } from './event.js';
import { CALLERS_PER_LOCK_MAX } from './limits.js';
import type { LockMode } from './mode.js';
import { describeOwner } from './owner.js';
import type { OwnLock } from './state.js';
import type { LockView, Standing } from './view.js';

/** Codes after which the same request may succeed later without anybody's doing. */
const RETRYABLE: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'HELD', 'TIMEOUT', 'BUSY', 'STARTING', 'NO_QUORUM', 'RECOVERING',
  'HANDOVER', 'NOT_OFFERED', 'NOT_JOINED', 'NO_SUCH_NODE',
]);

export type Refusal = Extract<Answer, { kind: 'refused' }>;

export function refuse(
  code: RefusalCode,
  message: string,
  holders: readonly LockView[] = [],
): Refusal {
  return { kind: 'refused', code, message, retryable: RETRYABLE.has(code), holders };
}

/** No more callers may wait for one lock. */
export function refuseFull(resource: string): Refusal {
  return refuse('LIMIT', `${CALLERS_PER_LOCK_MAX} callers wait for '${resource}'`);
}

/** The lock is between two states, and what is asked of it depends on which comes. */
export function refuseBusy({ facts: { resource, owner } }: OwnLock): Refusal {
  const who = owner === null ? 'its owner' : describeOwner(owner);
  return refuse('BUSY', `'${resource}' is just changing hands for ${who}; try again`);
}

/**
 * An incompatible lock is in the way: says whose, where, since when, and what would end it. `kept`
 * is the mode that the one refused goes on holding.
 */
export function refuseHeld(
  code: 'HELD' | 'TIMEOUT',
  resource: string,
  mode: LockMode,
  holders: readonly LockView[],
  kept: LockMode | null = null,
): Answer {
  const what = code === 'HELD' ? 'refused' : 'not granted in time';
  const rest = kept === null ? '' : `; it stays ${kept}`;
  if (holders.length === 0) {
    const why =
      code === 'HELD'
        ? 'DLM says that somebody holds it, but no manifest names who'
        : 'the kernel has not granted it, and no manifest names a holder';
    const see = `see 'holdfast nodes' for daemons that are down or not synced`;
    return refuse(code, `${mode} on '${resource}' was ${what}: ${why}; ${see}${rest}`);
  }
  const who = describeHolders(holders);
  return refuse(code, `${mode} on '${resource}' was ${what}: ${who}${rest}`, holders);
}

/**
 * Somebody waits for the resource whom the mode that is held keeps out, and this convert would
 * have to wait behind: neither could ever be granted.
 */
export function refuseDeadlock(
  resource: string,
  mode: LockMode,
  kept: LockMode,
  holders: readonly LockView[],
): Answer {
  const what = `${mode} on '${resource}' was refused: somebody who waits for it is kept out by`;
  const how = `the ${kept} that this owner holds, and would be served first; it stays ${kept}`;
  const rest = holders.length === 0 ? '' : ` (${describeHolders(holders)})`;
  const advice = 'release it or convert it down, then ask again';
  return refuse('DEADLOCK', `${what} ${how}; ${advice}${rest}`, holders);
}

/** Its time is up before the kernel could even be asked, or could say what it decided. */
export function refuseUnasked(
  resource: string,
  mode: LockMode,
  holders: readonly LockView[],
  standing: Standing,
): Answer {
  const stands = refuseForStanding(standing);
  if (holders.length > 0 || stands === null) {
    return refuseHeld('TIMEOUT', resource, mode, holders);
  }
  return refuse('TIMEOUT', `${mode} on '${resource}' was not granted in time: ${stands.message}`);
}

function describeHolders(holders: readonly LockView[]): string {
  return holders.map(describeHolder).join('; ');
}

function describeHolder(view: LockView): string {
  const owner = view.owner === null ? 'an unknown owner' : describeOwner(view.owner);
  const held = `${owner} holds it ${view.mode} on ${view.node.name} since ${view.since}`;
  return view.note === null ? held : `${held} (${view.note})`;
}

/** Why the standing forbids an acquire; null when it does not. */
export function refuseForStanding(standing: Standing): Refusal | null {
  switch (standing.kind) {
    case 'ok':
      return null;
    case 'starting':
      return refuse(
        'STARTING',
        `this node is still starting: it waits for ${standing.waitingFor}; try again`,
      );
    case 'no-quorum':
      return refuse(
        'NO_QUORUM',
        'this node has no quorum: nothing new is granted until enough nodes are back',
      );
    case 'recovering':
      return refuse(
        'RECOVERING',
        `the lockspace is stopped and waits for ${standing.waitingFor}; try again, or wait with ` +
          `a time-out`,
      );
    case 'isolated':
      return refuse(
        'ISOLATED',
        `this node is isolated (${standing.reason}): it grants nothing and cannot vouch for ` +
          `what it holds; bring corosync and dlm_controld back, which may need a reboot`,
      );
    default:
      return standing satisfies never;
  }
}

/** The lock manager failed in a way that says nothing about other holders. */
export function refuseForFailure(resource: string, failure: LockFailure): Answer {
  return refuse('LOCK_MANAGER', `'${resource}' was not granted: ${failure.message}`);
}
