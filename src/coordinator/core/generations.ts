/**
 * How members of the group agree on generations (fencing tokens), as functions over a small state
 * of their own: no locks, no clock, no network. docs/decisions/0009 says why it holds.
 *
 * An epoch is the time between two changes of the group that add a member or lose a node. In it
 * all members fold the same messages in the same order into `agreed`, so that they number the
 * same claim alike. Before the first claim of an epoch everyone has told what it knows (`hello`)
 * and then that it has kept what all know (`floor`).
 */

/** Numbers beyond it are not exact in JSON. */
export const GENERATION_MAX = Number.MAX_SAFE_INTEGER;

/** Numbers in one claim; grants beyond it wait for the next. */
export const CLAIM_COUNT_MAX = 64;

/**
 * Packets that corosync keeps for members that have not got them yet (QUEUE_RTR_ITEMS_SIZE_MAX,
 * exec/totemsrp.c): with more outstanding nobody of the ring may send. An author sends its next
 * claim after the echo of the one before, so a packet has at most one claim of its sender.
 */
const UNHEARD_CLAIMS_MAX = 16_384;

/**
 * More than all numbers that nodes can have told their owners without anyone left having heard
 * the claims, twice: the other half is for what this node heard and had not on disk yet.
 */
export const GENERATION_GAP = 2 * UNHEARD_CLAIMS_MAX * CLAIM_COUNT_MAX;

/** A floor above it is a defect of its sender: it would use up the numbers. */
export const FLOOR_MAX = GENERATION_MAX - 1_024 * GENERATION_GAP;

/** How long an epoch waits for what its members know; who is silent then is not waited for. */
export const AGREE_MS = 3_000;

/** A claim without an echo was not sent: a full queue may have refused it. */
export const CLAIM_RETRY_MS = 2_000;

/** How far the mark on disk is reserved ahead of what is known. */
export const RESERVE_AHEAD = 4_096;

/** After a failed reservation the disk is left alone for this long. */
export const RESERVE_RETRY_MS = 1_000;

/** A reservation that is not answered for so long counts as failed: the disk hangs. */
export const RESERVE_STALL_MS = 10_000;

/**
 * Numbers that a clock adds a second: more than a cluster uses for long, with all its gaps. A gap,
 * at a start or a loss, is worth two seconds of the clock; 2^53 is reached in the year 2242.
 */
const NUMBERS_A_SECOND = 2 ** 20;
/** The first moment of 2200 (UTC): a clock beyond it is wrong, and would use up the numbers. */
const CLOCK_MS_MAX = 7_258_118_400_000;

/** How far a member has come in this epoch. */
export type Heard = 'nothing' | 'hello' | 'floor';

export type Epoch =
  /** The group is changing, or not joined: what is under way counts for nothing. */
  | { readonly kind: 'closed'; sinceMs: number }
  | {
      readonly kind: 'open';
      /** Names ring and members; the same for all of them. */
      readonly view: string;
      readonly self: string;
      /** Monotonic ms of its beginning, or of the last time that we told again. */
      sinceMs: number;
      readonly heard: Map<string, Heard>;
      hasToldFloor: boolean;
    };

/** What is under way of ours; one at a time. */
export type Flight =
  /** A claim that has not come back yet. */
  | {
      readonly kind: 'claimed';
      readonly claimId: number;
      readonly lockIds: readonly number[];
      readonly sentMs: number;
    }
  /** It came back; a proof must be sent that nothing before it was missed. */
  | { readonly kind: 'echoed'; readonly first: number; readonly lockIds: readonly number[] }
  /** The proof has not come back yet. */
  | {
      readonly kind: 'proving';
      readonly claimId: number;
      readonly first: number;
      readonly lockIds: readonly number[];
      readonly sentMs: number;
    };

/**
 * The mark on disk. `failed`: until `retryMs`, monotonic, no other reservation is tried; null while
 * the one that hangs has not been answered.
 */
export type Reserving =
  | { readonly kind: 'idle' }
  | { readonly kind: 'asked'; readonly sinceMs: number }
  | { readonly kind: 'failed'; readonly retryMs: number | null };

export interface Generations {
  /** The highest number that this node knows of; only grows. */
  known: number;
  /** What the members make of this epoch's messages: the same number at all of them. */
  agreed: number;
  /** Numbers up to here are on disk; none above is told to an owner. */
  mark: number;
  reserving: Reserving;
  epoch: Epoch;
  flight: Flight | null;
  lastClaimId: number;
  /** Members that said nothing through a whole time-out: not waited for until they speak. */
  readonly silent: Set<string>;
}

export function initialGenerations(): Generations {
  return {
    known: 0, agreed: 0, mark: 0, reserving: { kind: 'idle' }, epoch: { kind: 'closed', sinceMs: 0 },
    flight: null, lastClaimId: 0, silent: new Set(),
  };
}

/**
 * What the wall clock says that numbers have reached, whoever gave them; 0 for a clock that is
 * wrong beyond doubt. The last defence, where nobody is left who knows: it covers what was used
 * at fewer than 2^20 numbers a second, on nodes whose clocks did not go back since.
 */
export function clockFloor(wallMs: number): number {
  if (!(wallMs > 0 && wallMs < CLOCK_MS_MAX)) return 0;
  return Math.floor((wallMs / 1_000) * NUMBERS_A_SECOND);
}

/**
 * The start: above the mark by the gap, since others may have used numbers that this node had
 * not heard, or not kept, when it ended.
 */
export function startAt(
  generations: Generations,
  found: { readonly upTo: number; readonly told: number },
  wallMs: number,
): void {
  const { upTo, told } = found;
  const above = upTo === 0 ? 0 : upTo + GENERATION_GAP;
  generations.mark = upTo;
  raise(generations, Math.max(above, told, clockFloor(wallMs)));
}

/** `open -> closed`: a claim that is under way will be made anew. */
export function closeEpoch(generations: Generations, nowMs: number): void {
  generations.epoch = { kind: 'closed', sinceMs: nowMs };
  generations.agreed = 0;
  generations.flight = null;
}

/** Nodes were lost that may have told numbers which nobody here has heard of. */
export function raiseForLoss(generations: Generations): void {
  raise(generations, generations.known + GENERATION_GAP);
}

/** Raises what is known outside of an epoch's order; never lowers it. */
export function raise(generations: Generations, floor: number): void {
  generations.known = Math.max(generations.known, Math.min(floor, GENERATION_MAX));
}

/** `closed -> open`: tell everybody the view and `known` at once, as a hello. */
export function openEpoch(
  generations: Generations,
  view: string,
  members: { readonly self: string; readonly others: readonly string[] },
  nowMs: number,
): void {
  closeEpoch(generations, nowMs);
  const { self, others } = members;
  const awaited = others.filter((other) => !generations.silent.has(other));
  const heard = new Map<string, Heard>([self, ...awaited].map((member) => [member, 'nothing']));
  generations.epoch = { kind: 'open', view, self, sinceMs: nowMs, heard, hasToldFloor: false };
}

/** A member has gone in an orderly way: all that it claimed was heard before. */
export function forgetMember(generations: Generations, member: string): void {
  const { epoch, silent } = generations;
  silent.delete(member);
  if (epoch.kind === 'open' && member !== epoch.self) epoch.heard.delete(member);
}

/**
 * A member's hello. Also one of another epoch raises `agreed`, since all hear it; but what its
 * author knows now, only the one of this view says. Without a view it comes from a daemon that
 * has no generations: there is nothing to wait for.
 */
export function hearHello(
  generations: Generations,
  member: string,
  said: { readonly view: string; readonly floor: number },
): void {
  hearTold(generations, member, said, said.view === '' ? 'floor' : 'hello');
}

/** A member has on disk what all told in their hellos. */
export function hearFloor(
  generations: Generations,
  member: string,
  said: { readonly view: string; readonly floor: number },
): void {
  hearTold(generations, member, said, 'floor');
}

function hearTold(
  generations: Generations,
  member: string,
  { view, floor }: { readonly view: string; readonly floor: number },
  heard: Heard,
): void {
  agreeOn(generations, floor);
  const { epoch, silent } = generations;
  silent.delete(member);
  if (epoch.kind !== 'open' || (view !== epoch.view && view !== '')) return;
  if (epoch.heard.get(member) !== 'floor') epoch.heard.set(member, heard);
}

/**
 * Anybody's claim, in its place of the order. Our own does not count when the group has changed
 * since it was sent, or when we know a number by now that the others may not: then it is made
 * anew. Nor do its numbers stand before our proof has come back in the same epoch: while corosync
 * recovers from the loss of a node, it delivers without what only the lost one had, and says so
 * (by the change of the group) only afterwards. The numbers that stand, or null.
 */
export function hearClaim(
  generations: Generations,
  claim: Claim,
  isOwn: boolean,
): { readonly first: number; readonly lockIds: readonly number[] } | null {
  const { flight, known } = generations;
  agreeOn(generations, claim.floor);
  const before = generations.agreed;
  generations.agreed = Math.min(before + claim.count, GENERATION_MAX);
  raise(generations, generations.agreed);
  if (!isOwn || flight === null || flight.kind === 'echoed') return null;
  if (flight.claimId !== claim.claimId) return null;
  generations.flight = null;
  const { lockIds } = flight;
  if (flight.kind === 'proving') return { first: flight.first, lockIds };
  const counts = before >= known && before + claim.count <= GENERATION_MAX;
  if (counts) generations.flight = { kind: 'echoed', first: before + 1, lockIds };
  return null;
}

/** `echoed -> proving`: a claim of nothing, to multicast; null when none is due. */
export function proveEcho(generations: Generations, nowMs: number): Claim | null {
  const { flight, known } = generations;
  if (flight?.kind !== 'echoed') return null;
  const claimId = generations.lastClaimId + 1;
  const { first, lockIds } = flight;
  generations.lastClaimId = claimId;
  generations.flight = { kind: 'proving', claimId, first, lockIds, sentMs: nowMs };
  return { claimId, count: 0, floor: known };
}

/** What goes over the group for numbers. */
export interface Claim {
  /** Counts this incarnation's. */
  readonly claimId: number;
  readonly count: number;
  readonly floor: number;
}

function agreeOn(generations: Generations, floor: number): void {
  if (floor <= FLOOR_MAX) generations.agreed = Math.max(generations.agreed, floor);
  raise(generations, generations.agreed);
}

/** Whether a floor may be told now: all hellos are here, and what they say is on disk. */
export function mayTellFloor(generations: Generations): boolean {
  const { epoch, mark, agreed, reserving } = generations;
  if (epoch.kind !== 'open' || epoch.hasToldFloor) return false;
  for (const heard of epoch.heard.values()) if (heard === 'nothing') return false;
  // A node whose disk fails tells no owner a number above its mark; the others go on.
  return mark >= agreed || reserving.kind === 'failed';
}

/** Whether everyone knows what everyone knew, and no claim of ours is under way. */
export function mayClaim(generations: Generations): boolean {
  const { flight, known } = generations;
  return flight === null && isAgreed(generations) && known <= GENERATION_MAX - CLAIM_COUNT_MAX;
}

export function isAgreed({ epoch }: Generations): boolean {
  if (epoch.kind !== 'open') return false;
  for (const heard of epoch.heard.values()) if (heard !== 'floor') return false;
  return true;
}

/** Claims one number for each lock, CLAIM_COUNT_MAX at most; the claim to multicast. */
export function makeClaim(
  generations: Generations,
  lockIds: readonly number[],
  nowMs: number,
): Claim {
  const claimId = generations.lastClaimId + 1;
  const claimed = lockIds.slice(0, CLAIM_COUNT_MAX);
  generations.lastClaimId = claimId;
  generations.flight = { kind: 'claimed', claimId, lockIds: claimed, sentMs: nowMs };
  return { claimId, count: claimed.length, floor: generations.known };
}

/** What a time-out of an epoch asks for. */
export type Overdue =
  /** No epoch was opened, or nothing of our own came back: say hello once more. */
  | 'hello'
  /** These said nothing; the epoch goes on without them, above what the clock says. */
  | { readonly silent: readonly string[] };

/** Takes note of what did not come in time; null when nothing is overdue. */
export function expire(generations: Generations, nowMs: number, wallMs: number): Overdue | null {
  const { flight, epoch } = generations;
  const sentMs = sentMsOf(flight);
  if (sentMs !== null && nowMs - sentMs >= CLAIM_RETRY_MS) generations.flight = null;
  if (isAgreed(generations) || nowMs - epoch.sinceMs < AGREE_MS) return null;
  epoch.sinceMs = nowMs;
  if (epoch.kind === 'closed' || epoch.heard.get(epoch.self) === 'nothing') return 'hello';
  // Who has said hello waits for the same ones as we do, and tells its floor without them next.
  const lacks = [...epoch.heard.values()].includes('nothing') ? 'nothing' : 'hello';
  const silent = [...epoch.heard].filter(([member, heard]) => {
    return heard === lacks && member !== epoch.self;
  }).map(([member]) => member);
  for (const member of silent) {
    epoch.heard.delete(member);
    generations.silent.add(member);
  }
  if (epoch.heard.get(epoch.self) === 'hello') epoch.hasToldFloor = false;
  if (silent.length > 0) {
    raise(generations, Math.max(generations.known + GENERATION_GAP, clockFloor(wallMs)));
  }
  return { silent };
}

function sentMsOf(flight: Flight | null): number | null {
  return flight === null || flight.kind === 'echoed' ? null : flight.sentMs;
}

/** Above which number a block is to be reserved now; null when enough is on disk. */
export function reserveAbove(generations: Generations, nowMs: number): number | null {
  const { known, mark, reserving } = generations;
  if (reserving.kind === 'asked') return null;
  if (reserving.kind === 'failed' && nowMs < (reserving.retryMs ?? Infinity)) return null;
  if (mark - known >= RESERVE_AHEAD / 2 || known + 2 * RESERVE_AHEAD > GENERATION_MAX) return null;
  generations.reserving = { kind: 'asked', sinceMs: nowMs };
  return known + RESERVE_AHEAD;
}

export function onReserved(generations: Generations, upTo: number): void {
  generations.mark = Math.max(generations.mark, upTo);
  generations.reserving = { kind: 'idle' };
}

export function onReserveFailed(generations: Generations, nowMs: number): void {
  generations.reserving = { kind: 'failed', retryMs: nowMs + RESERVE_RETRY_MS };
}

/** `asked -> failed`: whether the disk has just been found to hang. A late answer still counts. */
export function expireReservation(generations: Generations, nowMs: number): boolean {
  const { reserving } = generations;
  if (reserving.kind !== 'asked' || nowMs - reserving.sinceMs < RESERVE_STALL_MS) return false;
  generations.reserving = { kind: 'failed', retryMs: null };
  return true;
}

/** Whether no number can be given: none is left on disk, and the disk takes no more. */
export function isUsedUp({ known, mark, reserving }: Generations): boolean {
  return reserving.kind === 'failed' && mark <= known;
}

/** When one of the above has something to do, monotonic ms; null when never. */
export function nextDueMs(generations: Generations): number | null {
  const { flight, epoch, reserving } = generations;
  const due: number[] = [];
  const sentMs = sentMsOf(flight);
  if (sentMs !== null) due.push(sentMs + CLAIM_RETRY_MS);
  if (!isAgreed(generations)) due.push(epoch.sinceMs + AGREE_MS);
  if (reserving.kind === 'asked') due.push(reserving.sinceMs + RESERVE_STALL_MS);
  if (reserving.kind === 'failed' && reserving.retryMs !== null) due.push(reserving.retryMs);
  return due.length === 0 ? null : Math.min(...due);
}
