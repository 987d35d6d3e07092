import { z } from 'zod';
import type { Explanation } from '../coordinator/core/explain.js';
import type { LockMode } from '../coordinator/core/mode.js';
import type { Owner } from '../coordinator/core/owner.js';
import type {
  CoordinatorEvent, FencingHint, HandoverView, LastManifest, LockState, LockView, NodeView,
  OrphanView, OwnLockView, PeerState, Standing, StatusView,
} from '../coordinator/core/view.js';
import type {
  AcquireRequest, AcquireResult, AcquireSetRequest, AcquireSetResult, ConvertRequest,
  ConvertResult, FencingReport, HandoverResult, ReleaseOrphanRequest, ReleaseOrphanResult,
  ReleaseRequest, ReleaseResult, StopLocks,
} from '../coordinator/service.js';
import {
  HANDOVER_WAIT_MS, NODE_NAME_LENGTH_MAX, OFFER_MS, OFFER_MS_MAX, OWN_LOCKS_MAX, PID_MAX,
  SET_MEMBERS_MAX, WAIT_MS_MAX,
} from './limits.js';
import { hintWord, ownerName, reasonText, resourceName } from './names.js';

/**
 * What goes over the control socket. Names and shapes are those of the coordinator's own types;
 * `satisfies` holds them to it, and a test holds them to it in the other direction.
 *
 * Requests are strict, so that a misspelt field is not ignored. Replies are not, so that a newer
 * daemon may say more than an older client understands.
 */
export const lockModeSchema = z.enum(['NL', 'CR', 'CW', 'PR', 'PW', 'EX']) satisfies
  z.ZodType<LockMode>;

const processOwner = {
  kind: z.literal('process'),
  pid: z.int().min(1).max(PID_MAX),
  startTime: z.int().min(0),
};

/** An owner as a caller may name it. */
export const ownerRequestSchema = z.discriminatedUnion('kind', [
  z.strictObject(processOwner),
  z.strictObject({ kind: z.literal('named'), name: ownerName }),
]) satisfies z.ZodType<Owner>;

const ownerSchema = z.discriminatedUnion('kind', [
  z.object(processOwner),
  z.object({ kind: z.literal('named'), name: z.string() }),
]) satisfies z.ZodType<Owner>;

export const acquireRequestSchema = z.strictObject({
  resource: resourceName,
  mode: lockModeSchema.default('EX'),
  owner: ownerRequestSchema,
  waitMs: z.int().min(0).max(WAIT_MS_MAX).nullable().default(0),
}) satisfies z.ZodType<Omit<AcquireRequest, 'signal'>>;

export const acquireSetRequestSchema = z.strictObject({
  members: z.array(z.strictObject({
    resource: resourceName,
    mode: lockModeSchema.default('EX'),
  })).min(2).max(SET_MEMBERS_MAX),
  owner: ownerRequestSchema,
  waitMs: z.int().min(0).max(WAIT_MS_MAX).nullable().default(0),
}) satisfies z.ZodType<Omit<AcquireSetRequest, 'signal'>>;

/** The mode has no default: what a lock is converted to is never guessed. */
export const convertRequestSchema = z.strictObject({
  resource: resourceName,
  mode: lockModeSchema,
  owner: ownerRequestSchema,
  waitMs: z.int().min(0).max(WAIT_MS_MAX).nullable().default(0),
}) satisfies z.ZodType<Omit<ConvertRequest, 'signal'>>;

export const releaseRequestSchema = z.strictObject({
  resource: resourceName,
  owner: ownerRequestSchema,
}) satisfies z.ZodType<Omit<ReleaseRequest, 'signal'>>;

export const releaseOrphanRequestSchema = z.strictObject({
  resource: resourceName,
  mode: lockModeSchema,
  expect: z.int().min(1).max(OWN_LOCKS_MAX).nullable().default(null),
  reason: reasonText,
  by: ownerName.nullable().default(null),
  dryRun: z.boolean().default(false),
}) satisfies z.ZodType<Omit<ReleaseOrphanRequest, 'signal'>>;

/** The node to hand over to, by name or number. */
const nodeName = z.string().min(1).max(NODE_NAME_LENGTH_MAX);
export const handoverStepRequestSchema = z.strictObject({
  resource: resourceName,
  owner: ownerRequestSchema,
  waitMs: z.int().min(0).max(WAIT_MS_MAX).nullable().default(HANDOVER_WAIT_MS),
});

export const handoverOpenRequestSchema = z.strictObject({
  resource: resourceName,
  owner: ownerRequestSchema,
  to: nodeName,
  offerMs: z.int().min(1).max(OFFER_MS_MAX).default(OFFER_MS),
});

const peerStateSchema = z.enum([
  'joining', 'synced', 'stale', 'left', 'daemon-down', 'node-down', 'recovered',
]) satisfies z.ZodType<PeerState>;

const lockStateSchema = z.enum([
  'taking', 'waiting', 'held', 'releasing', 'orphaned', 'quarantined', 'lost',
]) satisfies z.ZodType<LockState>;

const standingSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('starting'), waitingFor: z.string() }),
  z.object({ kind: z.literal('ok') }),
  z.object({ kind: z.literal('no-quorum') }),
  z.object({ kind: z.literal('recovering'), waitingFor: z.string() }),
  z.object({ kind: z.literal('isolated'), reason: z.string() }),
]) satisfies z.ZodType<Standing>;

export const nodeSchema = z.object({
  id: z.int(),
  name: z.string(),
  self: z.boolean(),
  state: peerStateSchema,
  since: z.string(),
  incarnation: z.string().nullable(),
  bootId: z.string().nullable(),
  locks: z.int(),
  protocol: z.object({ min: z.int(), max: z.int() }).nullable().default(null),
  note: z.string().nullable().default(null),
}) satisfies z.ZodType<NodeView>;

const handoverSchema = z.object({
  role: z.enum(['source', 'destination']),
  step: z.enum(['offered', 'accepted', 'joined', 'leaving', 'aborting']),
  node: z.object({ id: z.int(), name: z.string() }),
  since: z.string(),
}) satisfies z.ZodType<HandoverView>;

export const lockSchema = z.object({
  resource: z.string(),
  lockspace: z.string(),
  mode: lockModeSchema,
  converting: lockModeSchema.nullable().default(null),
  state: lockStateSchema,
  owner: ownerSchema.nullable(),
  node: z.object({ id: z.int(), name: z.string() }),
  nodeState: peerStateSchema,
  generation: z.int().nullable().default(null),
  since: z.string(),
  note: z.string().nullable().default(null),
  handover: handoverSchema.optional(),
}) satisfies z.ZodType<LockView>;

export const fencingHintSchema = z.object({
  at: z.string(),
  node: z.string(),
  nodeId: z.int().nullable(),
  operation: z.string(),
  succeeded: z.boolean(),
  controller: z.enum(['none', 'needed', 'in-progress', 'unknown']),
}) satisfies z.ZodType<FencingHint>;

/** Of a fencing attempt, as a Pacemaker alert knows it. */
export const fencingReportSchema = z.strictObject({
  node: hintWord,
  operation: hintWord.default('fencing'),
  succeeded: z.boolean(),
}) satisfies z.ZodType<FencingReport>;

export const statusSchema = z.object({
  node: z.object({ id: z.int().nullable(), name: z.string() }),
  incarnation: z.string(),
  bootId: z.string(),
  version: z.string(),
  lockspace: z.string(),
  group: z.string(),
  standing: standingSchema,
  quorate: z.boolean().nullable(),
  quorumNodes: z.array(z.int()).readonly(),
  locks: z.object({
    held: z.int(), waiting: z.int(), other: z.int(), quarantined: z.int().default(0),
  }),
  lost: z.array(lockSchema).readonly().default([]),
  fencingHints: z.array(fencingHintSchema).readonly().default([]),
  warnings: z.array(z.string()).readonly(),
  counters: z.record(z.string(), z.number()).readonly(),
}) satisfies z.ZodType<StatusView>;

export const eventSchema = z.discriminatedUnion('type', [
  z.object({ at: z.string(), type: z.literal('standing'), standing: standingSchema }),
  z.object({ at: z.string(), type: z.literal('node'), node: nodeSchema }),
  z.object({ at: z.string(), type: z.literal('lock'), lock: lockSchema, gone: z.boolean() }),
]) satisfies z.ZodType<CoordinatorEvent>;

/** A node by its name or its id. */
export const lastManifestRequestSchema = z.strictObject({ node: z.string().min(1).max(255) });

export const lastManifestSchema = z.object({
  node: nodeSchema,
  manifestVersion: z.int(),
  locks: z.array(lockSchema).readonly(),
}) satisfies z.ZodType<LastManifest>;

export const nodesReplySchema = z.object({ nodes: z.array(nodeSchema).readonly() });
export const locksReplySchema = z.object({ locks: z.array(lockSchema).readonly() });

/** In the query, so of a named owner only. */
export const ownLockRequestSchema = z.strictObject({ resource: resourceName, owner: ownerName });

export const ownLockReplySchema = z.object({
  state: z.enum([...lockStateSchema.options, 'none']),
  lock: lockSchema.nullable(),
  standing: standingSchema,
}) satisfies z.ZodType<OwnLockView>;

export const explainRequestSchema = z.strictObject({ resource: resourceName });

export const explanationSchema = z.object({
  resource: z.string(),
  lockName: z.string(),
  verdict: z.enum([
    'free', 'held', 'daemon-down', 'node-down', 'quarantined', 'unexplained',
    'starting', 'no-quorum', 'recovering', 'isolated',
  ]),
  sentences: z.array(z.string()).readonly(),
  holders: z.array(lockSchema).readonly(),
  waiters: z.array(lockSchema).readonly(),
}) satisfies z.ZodType<Explanation>;

export const acquireReplySchema = z.object({
  lock: lockSchema,
  acquired: z.boolean(),
  convertedFrom: lockModeSchema.nullable().default(null),
}) satisfies z.ZodType<AcquireResult>;

export const acquireSetReplySchema = z.object({
  members: z.array(acquireReplySchema).readonly(),
}) satisfies z.ZodType<AcquireSetResult>;

export const convertReplySchema = z.object({
  lock: lockSchema,
  from: lockModeSchema,
  converted: z.boolean(),
  pending: z.boolean(),
}) satisfies z.ZodType<ConvertResult>;

export const handoverReplySchema = z.object({
  at: z.enum(['offered', 'joined', 'exclusive', 'released']),
  lock: lockSchema.nullable(),
}) satisfies z.ZodType<HandoverResult>;

export const releaseReplySchema = z.object({
  released: z.boolean(),
  pending: z.boolean(),
}) satisfies z.ZodType<ReleaseResult>;

export const orphanSchema = z.object({
  lock: lockSchema,
  blocks: z.array(lockModeSchema).readonly(),
  waiting: z.array(lockSchema).readonly(),
}) satisfies z.ZodType<OrphanView>;

export const orphansReplySchema = z.object({ orphans: z.array(orphanSchema).readonly() });

export const releaseOrphanReplySchema = z.object({
  released: z.boolean(),
  pending: z.boolean(),
  dryRun: z.boolean(),
  orphan: orphanSchema,
  others: z.int(),
}) satisfies z.ZodType<ReleaseOrphanResult>;

export const stopRequestSchema = z.strictObject({
  locks: z.enum(['refuse', 'release', 'keep']).default('refuse'),
}) satisfies z.ZodType<{ readonly locks: StopLocks }>;

/** `kept`: how many locks stay held as orphans, for the next start to adopt. */
export const stopReplySchema = z.object({ kept: z.int() });

/** Every answer outside 2xx. */
export const errorReplySchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    holders: z.array(lockSchema).readonly(),
    problems: z.array(z.object({ path: z.string(), message: z.string() })).readonly(),
  }),
});

/** The last thing a watcher is told. */
export const watchEndSchema = z.object({
  reason: z.enum(['too-slow', 'stopping']),
  message: z.string(),
});

export type ErrorReply = z.output<typeof errorReplySchema>;
export type WatchEnd = z.output<typeof watchEndSchema>;
export type { CoordinatorEvent, LastManifest, LockView, NodeView, OrphanView };
export type { Standing, StatusView };
export type { AcquireResult, AcquireSetResult, ConvertResult, Explanation, LockMode, Owner };
export type { HandoverResult, HandoverView, ReleaseOrphanResult, ReleaseResult };
