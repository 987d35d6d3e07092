import type { EffectCollector } from './effect.js';
import { describeLock, reportLost } from './lost.js';
import type { ManifestEntry } from './message.js';
import { areCompatible } from './mode.js';
import { ownLocksOf } from './own-locks.js';
import { beginRelease } from './release.js';
import { count, type OwnLock, type Peer, type State } from './state.js';
import { cancelCallers } from './waiting.js';

/**
 * `held | converting -> releasing`: another node was granted, later and exclusively, what this one
 * believes to hold. Two such grants cannot stand beside each other; when this node has missed
 * something since its own, recovery gave the lock away while it was gone, whatever its kernel still
 * shows. Without a gap it is a contradiction that nobody can settle from here: told, and
 * nothing given up.
 */
export function noticeOvertaken(
  state: State,
  peer: Peer,
  entry: ManifestEntry,
  out: EffectCollector,
): void {
  if (entry.state !== 'held' || entry.generation === null) return;
  for (const lock of ownLocksOf(state, entry.resource)) {
    if (!isOvertaken(lock, entry, entry.generation)) continue;
    const how = `${peer.name} holds it with generation ${entry.generation}, ` +
      `granted after this node's ${lock.generation ?? 0}`;
    if (state.heldAtGap.get(lock.facts.id) !== lock.phase) {
      if (count(state, 'claims_contradicted') > CONTRADICTIONS_LOGGED) continue;
      out.log('error', `${describeLock(lock)} is held here, and ${how}: both cannot be; ` +
        "see 'dlm_tool lockdebug' on both nodes");
      continue;
    }
    count(state, 'locks_lost');
    const note = `${how}, while this node had lost the others: what it protected is unprotected`;
    reportLost(state, lock, note, out);
    cancelCallers(lock, out);
    beginRelease(state, lock, `lost: ${how}`, null, out);
  }
}

/** A contradiction is told by every message that shows it: the rest is counted. */
const CONTRADICTIONS_LOGGED = 16;

function isOvertaken(
  { phase, facts, generation }: OwnLock,
  entry: ManifestEntry,
  later: number,
): boolean {
  if (phase.kind !== 'held' && phase.kind !== 'converting') return false;
  if (generation === null || generation >= later) return false;
  return !areCompatible(entry.mode, facts.mode);
}
