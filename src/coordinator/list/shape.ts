import { z } from 'zod';

import { HANDOVER_STEPS } from '../core/handover.js';
import type { ListRecord } from '../core/record.js';
import { LOCK_MODES } from '../core/mode.js';

export const LIST_MAGIC = 'holdfast-lock-list';
/** Another major cannot be read by this program; a higher minor only adds to this one. */
export const LIST_MAJOR = 1;
/**
 * 1 added `generations`. 2 added `generation` to `held`, `markLostAt` to the header, the `set` of a
 * lock, `converting`, `mode` in `held`, `mode` and `to` in `releasing`, `handover` in several.
 */
export const LIST_MINOR = 2;

/** No generation above `upTo` was given out before this was synced. `at` is wall-clock ms. */
export interface GenerationsRecord {
  readonly kind: 'generations';
  readonly at: number;
  readonly upTo: number;
}

/** What a line of the file can say behind the header. */
export type StoredRecord = ListRecord | GenerationsRecord;

/** The first line of the file. */
export interface ListHeader {
  readonly magic: typeof LIST_MAGIC;
  readonly major: number;
  readonly minor: number;
  readonly lockspace: string;
  /** The boot during which the file was last rewritten. */
  readonly bootId: string;
  /** When that was, wall-clock ms. */
  readonly at: number;
  /**
   * The mark of generations that was left when damage may have taken a later one; written by the
   * rewrite or repair of a damaged file, and kept until a higher mark is there.
   */
  readonly markLostAt?: number;
}

/** What a header says of a lost mark, for the header of a file that is written anew. */
export function lostMark(
  before: ListHeader | null,
  isDamaged: boolean,
  mark: number,
): { readonly markLostAt?: number } {
  if (isDamaged) return { markLostAt: mark };
  const markLostAt = before?.markLostAt;
  return markLostAt === undefined || mark > markLostAt ? {} : { markLostAt };
}

const header = z.object({
  magic: z.literal(LIST_MAGIC),
  major: z.int().min(1),
  minor: z.int().min(0),
  lockspace: z.string(),
  bootId: z.string(),
  at: z.number(),
  markLostAt: z.int().min(0).exactOptional(),
});

const owner = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('process'), pid: z.int().min(1), startTime: z.int().min(0) }),
  z.object({ kind: z.literal('named'), name: z.string().min(1) }),
]);

const lock = z.object({
  id: z.int().min(0),
  resource: z.string().min(1),
  lockName: z.string().min(1),
  mode: z.enum(LOCK_MODES),
  owner: owner.nullable(),
  bootId: z.string(),
  set: z.int().min(0).optional(),
});

const at = z.number();
const id = z.int().min(0);
const generation = z.int().min(1);
const mode = z.enum(LOCK_MODES);

const handover = z.object({
  id: z.string().min(1),
  role: z.enum(['source', 'destination']),
  nodeId: z.int().min(0),
  step: z.enum(HANDOVER_STEPS),
  since: z.number(),
}).optional();

const record = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('intent'), at, lock, handover }),
  z.object({
    kind: z.literal('held'), at, id, mode: mode.optional(), generation: generation.exactOptional(),
    handover,
  }),
  z.object({
    kind: z.literal('converting'), at, id, from: mode, to: mode,
    generation: generation.exactOptional(), handover,
  }),
  z.object({
    kind: z.literal('releasing'), at, id, why: z.string(), mode: mode.optional(), to: mode.optional(),
  }),
  z.object({ kind: z.literal('dropped'), at, id, why: z.string() }),
  z.object({ kind: z.literal('quarantined'), at, lock }),
  z.object({ kind: z.literal('generations'), at, upTo: z.int().min(0) }),
]) satisfies z.ZodType<StoredRecord>;

const KINDS: ReadonlySet<string> = new Set<StoredRecord['kind']>(
  ['intent', 'held', 'converting', 'releasing', 'dropped', 'quarantined', 'generations'],
);

const anyKind = z.object({ kind: z.string() });

const anyMajor = z.object({ magic: z.literal(LIST_MAGIC), major: z.int() });

/**
 * The format's major version, when the line is a header of any version: its seal, `magic` and
 * `major` are the same in all of them. Null when it is none.
 */
export function majorOf(value: unknown): number | null {
  return anyMajor.safeParse(value).data?.major ?? null;
}

/** The header that a line's value is, or null. */
export function asHeader(value: unknown): ListHeader | null {
  return header.safeParse(value).data ?? null;
}

/** The record that a line's value is; `unknown` when this version has no such kind. */
export function asRecord(value: unknown): StoredRecord | 'unknown' | null {
  const known = record.safeParse(value);
  if (known.success) return known.data;
  const kind = anyKind.safeParse(value).data?.kind;
  return kind === undefined || KINDS.has(kind) ? null : 'unknown';
}
