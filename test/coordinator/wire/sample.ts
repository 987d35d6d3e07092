import fc from 'fast-check';

import type { Envelope, ManifestEntry, MessageBody } from '../../../src/coordinator/core/message.js';
import { LOCK_MODES } from '../../../src/coordinator/core/mode.js';
import type { LockState } from '../../../src/coordinator/core/view.js';

const STATES: readonly LockState[] = [
  'taking', 'waiting', 'held', 'releasing', 'orphaned', 'quarantined', 'lost',
];

export const ENTRIES: readonly ManifestEntry[] = [
  {
    id: 1,
    resource: 'vm-17/disk ü',
    lockspace: 'holdfast',
    mode: 'EX',
    converting: null,
    state: 'held',
    owner: { kind: 'named', name: 'vm-17' },
    since: 1_790_000_000_123,
    generation: 1_832_960_000_126,
  },
  {
    id: 2,
    resource: 'web',
    lockspace: 'holdfast',
    mode: 'PR',
    converting: null,
    state: 'waiting',
    owner: { kind: 'process', pid: 4711, startTime: 123_456_789 },
    since: 1_790_000_000_456,
    generation: null,
  },
  {
    id: 3,
    resource: 'who',
    lockspace: 'holdfast',
    mode: 'NL',
    converting: null,
    state: 'quarantined',
    owner: null,
    since: 0,
    generation: null,
  },
];

/** What both ends of a handover say of their lock. */
export const HANDED_OVER: readonly ManifestEntry[] = (
  [['source', 'offered'], ['destination', 'accepted'], ['source', 'joined'],
    ['destination', 'leaving'], ['source', 'aborting']] as const
).map(([role, step], at) => ({
  id: at + 1,
  resource: 'vm-17/disk ü',
  lockspace: 'holdfast',
  mode: 'CW',
  converting: null,
  state: 'held',
  owner: { kind: 'named', name: 'vm-17' },
  since: 1_790_000_000_123,
  generation: role === 'source' ? 1_832_960_000_126 : null,
  handover: {
    id: '00112233445566778899aabbccddeeff-1-7', role, nodeId: 3, step, since: 1_790_000_000_789,
  },
}));

/** One of each body that is sent. */
export const BODIES: readonly MessageBody[] = [
  {
    kind: 'hello',
    nodeName: 'alpha',
    bootId: '6f1c2b7e-0d0f-4a57-9c9b-5a0f0f6f1a11',
    softwareVersion: '0.1.0',
    manifestVersion: 7,
    digest: 'a'.repeat(64),
    generationFloor: 1_832_960_000_125,
    view: 'c'.repeat(16),
  },
  { kind: 'snapshot', manifestVersion: 7, part: 1, parts: 2, entries: ENTRIES },
  { kind: 'delta', manifestVersion: 8, changed: ENTRIES.slice(0, 1), removed: [2, 300] },
  { kind: 'digest', manifestVersion: 8, digest: 'b'.repeat(64) },
  { kind: 'request', nodeId: 3 },
  { kind: 'goodbye', keepsLocks: true },
  { kind: 'claim', claimId: 3, count: 64, floor: 1_832_960_000_126 },
  { kind: 'floor', view: 'c'.repeat(16), floor: 1_832_960_000_125 },
];

export function envelopeOf(body: MessageBody): Envelope {
  return {
    protocolMin: 1,
    protocolMax: 1,
    nodeId: 2,
    incarnation: '00112233445566778899aabbccddeeff',
    seq: 42,
    ring: { nodeId: 1, seq: 0xffff_ffff_ffff_fff0n },
    body,
  };
}

const wellFormed = (max: number) => fc.string({ unit: 'grapheme', minLength: 1, maxLength: max });
const count = fc.maxSafeNat();
const nodeId = fc.integer({ min: 1, max: 0xffff_ffff });

const entry: fc.Arbitrary<ManifestEntry> = fc.record({
  id: count,
  resource: wellFormed(20),
  lockspace: fc.stringMatching(/^[a-z_]{1,64}$/),
  mode: fc.constantFrom(...LOCK_MODES),
  converting: fc.constantFrom(null, ...LOCK_MODES),
  state: fc.constantFrom(...STATES),
  owner: fc.oneof(
    fc.constant(null),
    fc.record({ kind: fc.constant('named' as const), name: wellFormed(10) }),
    fc.record({
      kind: fc.constant('process' as const),
      pid: fc.integer({ min: 1, max: 4_194_304 }),
      startTime: count,
    }),
  ),
  since: count,
  generation: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
});

const body: fc.Arbitrary<MessageBody> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    nodeName: wellFormed(5),
    bootId: fc.uuid(),
    softwareVersion: fc.stringMatching(/^[0-9.]{1,20}$/),
    manifestVersion: count,
    digest: fc.stringMatching(/^[0-9a-f]{64}$/),
    generationFloor: count,
    view: fc.stringMatching(/^[0-9a-f]{0,16}$/),
  }),
  fc.record({
    kind: fc.constant('snapshot' as const),
    manifestVersion: count,
    part: fc.nat(9),
    parts: fc.integer({ min: 10, max: 65_536 }),
    entries: fc.array(entry),
  }),
  fc.record({
    kind: fc.constant('delta' as const),
    manifestVersion: count,
    changed: fc.array(entry),
    removed: fc.array(count),
  }),
  fc.record({
    kind: fc.constant('digest' as const),
    manifestVersion: count,
    digest: wellFormed(10),
  }),
  fc.record({ kind: fc.constant('request' as const), nodeId }),
  fc.record({ kind: fc.constant('goodbye' as const), keepsLocks: fc.boolean() }),
  fc.record({
    kind: fc.constant('claim' as const),
    claimId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    count: fc.integer({ min: 1, max: 64 }),
    floor: count,
  }),
  fc.record({
    kind: fc.constant('floor' as const),
    view: fc.stringMatching(/^[0-9a-f]{1,16}$/),
    floor: count,
  }),
);

/** Any message that may be sent. */
export const envelope: fc.Arbitrary<Envelope> = fc.record({
  protocolMin: fc.constant(1),
  protocolMax: fc.integer({ min: 1, max: 9 }),
  nodeId,
  incarnation: fc.stringMatching(/^[0-9a-f]{32}$/),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  ring: fc.record({ nodeId, seq: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) }),
  body,
});
