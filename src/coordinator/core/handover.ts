/**
 * A lock on its way from this node to another, or back: who takes part, and how far it is. What
 * it is held in meanwhile, and what is asked of the kernel, the lock's phase says as ever; this
 * stands beside it. docs/decisions/0012 and model/handover.pml say why it holds.
 */

/**
 * `offered`: the source has CW, or is about to, and nobody has joined as far as it knows.
 * `accepted`: the destination has CW, and the source has not confirmed that yet. `joined`: the
 * source has seen the destination's CW, at either end. `leaving`: the destination asks the source
 * to take it back. `aborting`: the source takes it back.
 */
export type HandoverStep = 'offered' | 'accepted' | 'joined' | 'leaving' | 'aborting';

export const HANDOVER_STEPS: readonly HandoverStep[] = [
  'offered', 'accepted', 'joined', 'leaving', 'aborting',
];

export type HandoverRole = 'source' | 'destination';

/** What the list and the manifest say of it. */
export interface HandoverFacts {
  /** Chosen by the source; no two handovers of a resource have the same. */
  readonly id: string;
  readonly role: HandoverRole;
  /** The node at the other end. */
  readonly nodeId: number;
  readonly step: HandoverStep;
  /** When this end began to take part, wall-clock ms. */
  readonly since: number;
}

/** With what only this run of the daemon knows. */
export interface Handover extends HandoverFacts {
  /** Until when an offer stands that nobody has joined, monotonic ms; null after that. */
  readonly untilMs: number | null;
  /** When the kernel was last asked for EX, monotonic ms; null when it was not. */
  readonly triedMs: number | null;
}

/**
 * The caller of the takes and converts that a handover asks for itself. It needs no answer: the
 * handover looks at the lock.
 */
export const HANDOVER_CALLER = Number.MIN_SAFE_INTEGER;

/** The one caller of such a take or convert. It never waits in the kernel's queue. */
export const HANDOVER_CALLERS = [
  { caller: HANDOVER_CALLER, waits: false, deadlineMs: null },
] as const;

/** For a record or an entry: a field that is there while a handover is. */
export function handoverField(
  handover: Handover | null,
): { readonly handover?: HandoverFacts } {
  if (handover === null) return {};
  const { id, role, nodeId, step, since } = handover;
  return { handover: { id, role, nodeId, step, since } };
}

/** Whether nothing that others are told of it has changed. */
export function isSameHandover(
  one: HandoverFacts | undefined,
  other: HandoverFacts | undefined,
): boolean {
  return one?.id === other?.id && one?.step === other?.step && one?.role === other?.role;
}
