import test from 'ava';

import {
  AGREE_MS, CLAIM_COUNT_MAX, CLAIM_RETRY_MS, clockFloor, closeEpoch, expire, FLOOR_MAX,
  GENERATION_GAP, hearClaim, hearFloor, hearHello, initialGenerations, makeClaim, mayClaim,
  mayTellFloor, onReserved, onReserveFailed, openEpoch, proveEcho, raise, raiseForLoss,
  RESERVE_AHEAD, reserveAbove, startAt, type Generations,
} from '../../../src/coordinator/core/generations.js';

const VIEW = 'v1';

/** One of two members, who have agreed that numbers begin above 100. */
function agreed(): Generations {
  const generations = initialGenerations();
  raise(generations, 100);
  openEpoch(generations, VIEW, { self: 'a', others: ['b'] }, 0);
  onReserved(generations, 10_000);
  for (const member of ['a', 'b']) hearHello(generations, member, { view: VIEW, floor: 100 });
  for (const member of ['a', 'b']) hearFloor(generations, member, { view: VIEW, floor: 100 });
  return generations;
}

test('numbers stand when the claim and then its proof have come back', (t) => {
  const generations = agreed();
  const claim = makeClaim(generations, [7, 8], 0);
  t.deepEqual(claim, { claimId: 1, count: 2, floor: 100 });
  t.is(hearClaim(generations, { claimId: 5, count: 3, floor: 90 }, false), null);
  t.is(hearClaim(generations, claim, true), null, 'it may have come back without what was lost');
  const proof = proveEcho(generations, 0);
  t.deepEqual(proof, { claimId: 2, count: 0, floor: 105 });
  t.is(proveEcho(generations, 0), null);
  t.false(mayClaim(generations));
  if (proof === null) return;
  t.deepEqual(hearClaim(generations, proof, true), { first: 104, lockIds: [7, 8] });
  t.true(mayClaim(generations));
});

test('a change of the group between a claim and its proof makes it void', (t) => {
  const generations = agreed();
  const claim = makeClaim(generations, [7], 0);
  hearClaim(generations, claim, true);
  const proof = proveEcho(generations, 0);
  closeEpoch(generations, 1);
  t.is(proof === null ? 'none' : hearClaim(generations, proof, true), null);
  t.is(generations.flight, null);
});

test('a claim does not count when its author knows more than is agreed', (t) => {
  const generations = agreed();
  const claim = makeClaim(generations, [7], 0);
  raise(generations, 500);
  hearClaim(generations, claim, true);
  t.is(proveEcho(generations, 0), null);
  t.is(makeClaim(generations, [7], 0).floor, 500, 'the next one tells it');
});

test('nobody claims before every member has told its floor in this very view', (t) => {
  const generations = initialGenerations();
  openEpoch(generations, VIEW, { self: 'a', others: ['b'] }, 0);
  onReserved(generations, 10_000);
  hearHello(generations, 'a', { view: VIEW, floor: 0 });
  hearHello(generations, 'b', { view: 'v0', floor: 50 });
  t.false(mayTellFloor(generations), 'an old hello says nothing about now');
  t.is(generations.agreed, 50, 'but all have heard it');
  hearHello(generations, 'b', { view: VIEW, floor: 70 });
  t.true(mayTellFloor(generations));
  hearFloor(generations, 'a', { view: VIEW, floor: 70 });
  t.false(mayClaim(generations));
  hearFloor(generations, 'b', { view: VIEW, floor: 70 });
  t.true(mayClaim(generations));
});

test('a floor is told only when it is on disk, unless the disk fails', (t) => {
  const generations = initialGenerations();
  openEpoch(generations, VIEW, { self: 'a', others: [] }, 0);
  hearHello(generations, 'a', { view: VIEW, floor: 70 });
  t.false(mayTellFloor(generations));
  onReserveFailed(generations, 0);
  t.true(mayTellFloor(generations));
  t.is(reserveAbove(generations, 999), null);
  t.true((reserveAbove(generations, 1_000) ?? 0) > 70);
});

test('a daemon without generations is not waited for', (t) => {
  const generations = initialGenerations();
  openEpoch(generations, VIEW, { self: 'a', others: ['old'] }, 0);
  hearFloor(generations, 'a', { view: VIEW, floor: 0 });
  t.false(mayClaim(generations));
  hearHello(generations, 'old', { view: '', floor: 0 });
  t.true(mayClaim(generations));
});

test('who has not said hello in time is left out, who waits for it too is not', (t) => {
  const generations = agreed();
  openEpoch(generations, 'v2', { self: 'a', others: ['b', 'mute'] }, 0);
  for (const member of ['a', 'b']) hearHello(generations, member, { view: 'v2', floor: 100 });
  t.is(expire(generations, AGREE_MS - 1, 0), null);
  t.deepEqual(expire(generations, AGREE_MS, 0), { silent: ['mute'] });
  t.true(mayTellFloor(generations));
  t.is(generations.known, 100 + GENERATION_GAP);
  openEpoch(generations, 'v3', { self: 'a', others: ['b', 'mute'] }, 0);
  t.deepEqual(generations.epoch.kind === 'open' && [...generations.epoch.heard.keys()], ['a', 'b']);
  hearHello(generations, 'mute', { view: 'v3', floor: 0 });
  t.false(generations.silent.has('mute'), 'it is waited for again when it speaks');
});

test('a claim that does not come back is made anew', (t) => {
  const generations = agreed();
  const claim = makeClaim(generations, [7], 0);
  t.is(expire(generations, CLAIM_RETRY_MS - 1, 0), null);
  t.false(mayClaim(generations));
  expire(generations, CLAIM_RETRY_MS, 0);
  t.true(mayClaim(generations));
  makeClaim(generations, [7], CLAIM_RETRY_MS);
  hearClaim(generations, claim, true);
  t.is(proveEcho(generations, 0), null, 'the old one no longer counts');
});

test('a claim has a bounded count', (t) => {
  const ids = Array.from({ length: CLAIM_COUNT_MAX + 9 }, (_, id) => id);
  t.is(makeClaim(agreed(), ids, 0).count, CLAIM_COUNT_MAX);
});

test('a start is above the mark by the gap, above what was told, and above the clock', (t) => {
  const known = (upTo: number, told: number, wallMs: number): number => {
    const generations = initialGenerations();
    startAt(generations, { upTo, told }, wallMs);
    return generations.known;
  };
  t.is(known(0, 0, 0), 0);
  t.is(known(5_000, 7, 0), 5_000 + GENERATION_GAP);
  t.is(known(0, 9_000, 1), 9_000);
  t.is(known(5, 0, 1_790_000_000_000), 1_790_000_000 * 2 ** 20);
});

test('a clock that is wrong beyond doubt is not believed', (t) => {
  for (const wallMs of [-1, 0, Number.NaN, Number.POSITIVE_INFINITY, 7_258_118_400_000]) {
    t.is(clockFloor(wallMs), 0);
  }
});

test('who starts alone is above what others reached meanwhile, each start of theirs a gap higher', (t) => {
  // As on the real cluster where it failed: a kill of some daemon every ten seconds, for long.
  const KILLS = 100;
  const KILL_PAUSE_MS = 10_000;
  let wallMs = Date.UTC(2026, 10, 23);
  const away = initialGenerations();
  startAt(away, { upTo: 0, told: 0 }, wallMs);
  let upTo = away.known + RESERVE_AHEAD;
  for (let kill = 0; kill < KILLS; kill += 1) {
    wallMs += KILL_PAUSE_MS;
    const other = initialGenerations();
    startAt(other, { upTo, told: 0 }, wallMs);
    raiseForLoss(other);
    upTo = other.known + RESERVE_AHEAD;
  }
  const alone = initialGenerations();
  startAt(alone, { upTo: away.known + RESERVE_AHEAD, told: 0 }, wallMs + KILL_PAUSE_MS);
  t.true(alone.known > upTo, `${alone.known} is not above ${upTo}`);
});

test('a loss raises what is known by the gap, a senseless floor by nothing', (t) => {
  const generations = agreed();
  raiseForLoss(generations);
  t.is(generations.known, 100 + GENERATION_GAP);
  hearFloor(generations, 'b', { view: VIEW, floor: FLOOR_MAX + 1 });
  t.is(generations.known, 100 + GENERATION_GAP);
});
