import { z } from 'zod';

/** What a reaction can be run on. */
export const REACTION_EVENTS = [
  'node-down', 'node-recovered', 'lock-granted', 'lock-lost', 'quorum-lost', 'quorum-regained',
  'orphan-found', 'isolated',
] as const;
export type ReactionEventName = (typeof REACTION_EVENTS)[number];

/** How many `[[reaction]]` tables one file may have. */
export const REACTIONS_MAX = 64;
export const REACTION_TIMEOUT_S_MAX = 3_600;
export const REACTION_RETRIES_MAX = 100;
const WORDS_MAX = 64;
const WORD_BYTES_MAX = 4_096;
const PATTERNS_MAX = 256;

const word = z.string().refine((text) => {
  return Buffer.byteLength(text) <= WORD_BYTES_MAX && !text.includes('\0');
});

/** One `[[reaction]]` table of holdfast.toml. */
export const reactionSchema = z.strictObject({
  on: z.array(z.enum(REACTION_EVENTS)).min(1),
  command: z.array(word).min(1).max(WORDS_MAX).refine(([program = '']) => program.startsWith('/')),
  resources: z.array(word.min(1)).min(1).max(PATTERNS_MAX).optional(),
  timeout_s: z.number().positive().max(REACTION_TIMEOUT_S_MAX).default(30),
  retries: z.int().min(0).max(REACTION_RETRIES_MAX).default(0),
  retry_delay_s: z.number().positive().max(REACTION_TIMEOUT_S_MAX).default(5),
});

/** What each key of the table may be, for error messages. */
export const REACTION_KEYS: Readonly<Record<keyof z.input<typeof reactionSchema>, string>> = {
  on: `a list of ${REACTION_EVENTS.map((name) => `"${name}"`).join(', ')}`,
  command: `a list of 1 to ${WORDS_MAX} texts: the absolute path of a program and its arguments`,
  resources: 'a list of resource names; a `*` at the end stands for any rest',
  timeout_s: `seconds, above 0, at most ${REACTION_TIMEOUT_S_MAX}`,
  retries: `a whole number from 0 to ${REACTION_RETRIES_MAX}`,
  retry_delay_s: `seconds, above 0, at most ${REACTION_TIMEOUT_S_MAX}`,
};

/** A command that is run when something happens. */
export interface Reaction {
  readonly on: readonly ReactionEventName[];
  /** The program by absolute path, then its arguments; no shell. */
  readonly command: readonly string[];
  /** Only for these resources, `*` at the end for any rest; null = all. Node events ignore it. */
  readonly resources: readonly string[] | null;
  /** One attempt may take that long; then it is ended by SIGTERM, and at last by SIGKILL. */
  readonly timeoutMs: number;
  /** How often a failed attempt is repeated. */
  readonly retries: number;
  readonly retryDelayMs: number;
}

/** The file's words in the program's names. */
export function toReaction(table: z.output<typeof reactionSchema>): Reaction {
  return {
    on: table.on,
    command: table.command,
    resources: table.resources ?? null,
    timeoutMs: Math.round(table.timeout_s * 1000),
    retries: table.retries,
    retryDelayMs: Math.round(table.retry_delay_s * 1000),
  };
}
