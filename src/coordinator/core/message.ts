import type { HandoverFacts } from './handover.js';
import type { LockMode } from './mode.js';
import type { Owner } from './owner.js';
import type { LockState } from './view.js';

/** The oldest and newest protocol that this program speaks. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;

/** The oldest and the newest protocol that somebody speaks. */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/** The ring a message was sent in. CPG may deliver it in a later one; it is stale then. */
export interface Ring {
  readonly nodeId: number;
  readonly seq: bigint;
}

/** One lock in a node's manifest. `id` is its author's list id. */
export interface ManifestEntry {
  readonly id: number;
  readonly resource: string;
  readonly lockspace: string;
  readonly mode: LockMode;
  /** What the held lock is being converted to; null without a convert. */
  readonly converting: LockMode | null;
  readonly state: LockState;
  readonly owner: Owner | null;
  /** Wall-clock ms of its author. */
  readonly since: number;
  /** The fencing token of an exclusive grant; null without one. */
  readonly generation: number | null;
  /** How it is handed over, in the words of this end; absent in rest. */
  readonly handover?: HandoverFacts | undefined;
}

/** A manifest's version counts its changes within one incarnation, from 1. */
export type MessageBody =
  /** The first message in every view: who I am, and how my manifest stands. */
  | {
      readonly kind: 'hello';
      readonly nodeName: string;
      readonly bootId: string;
      readonly softwareVersion: string;
      readonly manifestVersion: number;
      readonly digest: string;
      /** The highest generation that the author knows of; 0 from a daemon without them. */
      readonly generationFloor: number;
      /** Names the ring and members that it was said to; empty without generations. */
      readonly view: string;
    }
  /** Part `part` (from 0) of `parts` of the whole manifest at that version. */
  | {
      readonly kind: 'snapshot';
      readonly manifestVersion: number;
      readonly part: number;
      readonly parts: number;
      readonly entries: readonly ManifestEntry[];
    }
  /** What turned version `manifestVersion - 1` into `manifestVersion`. */
  | {
      readonly kind: 'delta';
      readonly manifestVersion: number;
      readonly changed: readonly ManifestEntry[];
      readonly removed: readonly number[];
    }
  | { readonly kind: 'digest'; readonly manifestVersion: number; readonly digest: string }
  /** Asks one node for a snapshot. */
  | { readonly kind: 'request'; readonly nodeId: number }
  /** A clean stop. `keepsLocks`: what the last manifest lists stays held as orphans. */
  | { readonly kind: 'goodbye'; readonly keepsLocks: boolean }
  /** All hellos of this view were heard, and what they say of generations is on disk. */
  | { readonly kind: 'floor'; readonly view: string; readonly floor: number }
  /** Takes `count` generations above `floor` and above all claims before it. */
  | {
      readonly kind: 'claim';
      readonly claimId: number;
      readonly count: number;
      readonly floor: number;
    }
  /** A type of a newer protocol: counted, otherwise ignored. */
  | { readonly kind: 'unknown' };

export interface Envelope {
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly nodeId: number;
  /** 32 hex digits, random, new at every start of the daemon. */
  readonly incarnation: string;
  /** Counts this incarnation's messages from 1. */
  readonly seq: number;
  readonly ring: Ring;
  readonly body: MessageBody;
}
