import { hostname } from 'node:os';
import { z } from 'zod';
import { REACTIONS_MAX, reactionSchema, toReaction, type Reaction } from './reaction.js';

/** Where the configuration is looked for when no file is named. */
export const CONFIG_PATH_DEFAULT = '/etc/holdfast/holdfast.toml';
export const SOCKET_PATH_DEFAULT = '/run/holdfast/control.sock';

/** Lockspace names become names of devices, and DLM takes at most 64 bytes. */
export const LOCKSPACE_BYTES_MAX = 64;
/** A CPG group name has 128 bytes of room; one is left for a closing zero. */
export const GROUP_BYTES_MAX = 127;
/** sun_path has 108 bytes; the rest is room for the name under which a new socket is born. */
export const SOCKET_PATH_BYTES_MAX = 90;
export const NODE_NAME_BYTES_MAX = 255;
export const STATE_DIR_BYTES_MAX = 1024;

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
const LOG_FORMATS = ['text', 'json'] as const;
/** What a clean stop does while locks are held. */
const ON_STOP = ['refuse', 'release', 'keep'] as const;

/** One key of the file: its rule in words, and the same rule for the machine. */
function key<S extends z.ZodType>(allowed: string, schema: S): S {
  return schema.meta({ description: allowed });
}

function printable(bytesMax: number) {
  return z.string().refine((text) => {
    const bytes = Buffer.byteLength(text);
    return bytes >= 1 && bytes <= bytesMax && !/[\p{Cc}\p{Cs}]/u.test(text);
  });
}

/** The keys of holdfast.toml. Each description says what is allowed, for error messages. */
export const configFileSchema = z.strictObject({
  node_name: key(
    `a text of 1 to ${NODE_NAME_BYTES_MAX} bytes without control characters`,
    printable(NODE_NAME_BYTES_MAX).default(() => hostname()),
  ),
  group: key(
    `a text of 1 to ${GROUP_BYTES_MAX} bytes without control characters, the same on every node`,
    printable(GROUP_BYTES_MAX).default('holdfast'),
  ),
  lockspace: key(
    `1 to ${LOCKSPACE_BYTES_MAX} of the characters A-Z a-z 0-9 _ . -, not "." or "..", ` +
      'the same on every node',
    z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}$/).default('holdfast'),
  ),
  state_dir: key(
    `an absolute path of at most ${STATE_DIR_BYTES_MAX} bytes`,
    absolutePath(STATE_DIR_BYTES_MAX).default('/var/lib/holdfast'),
  ),
  socket: key(
    `an absolute path of at most ${SOCKET_PATH_BYTES_MAX} bytes`,
    absolutePath(SOCKET_PATH_BYTES_MAX).default(SOCKET_PATH_DEFAULT),
  ),
  log_level: key(oneOf(LOG_LEVELS), z.enum(LOG_LEVELS).default('info')),
  log_format: key(oneOf(LOG_FORMATS), z.enum(LOG_FORMATS).default('text')),
  on_stop: key(oneOf(ON_STOP), z.enum(ON_STOP).default('refuse')),
  unsafe_no_fencing: key('true or false', z.boolean().default(false)),
  reaction: key(
    `at most ${REACTIONS_MAX} tables [[reaction]]`,
    z.array(reactionSchema).max(REACTIONS_MAX).default([]),
  ),
});

function absolutePath(bytesMax: number) {
  return printable(bytesMax).refine((path) => path.startsWith('/') && !path.endsWith('/'));
}

function oneOf(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(', ');
}

/** What Holdfast runs with; every key has a value. */
export interface Config {
  readonly nodeName: string;
  /** The name of the CPG group. */
  readonly group: string;
  readonly lockspace: string;
  readonly stateDir: string;
  readonly socketPath: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
  /** Refuse to stop, release what is held, or keep it as orphans for the next start. */
  readonly onStop: (typeof ON_STOP)[number];
  /** Run although dlm_controld would not fence: two nodes may then hold one lock. */
  readonly unsafeNoFencing: boolean;
  /** In the order of the file. */
  readonly reactions: readonly Reaction[];
}

/** The file's words in the program's names. */
export function toConfig(file: z.output<typeof configFileSchema>): Config {
  return {
    nodeName: file.node_name,
    group: file.group,
    lockspace: file.lockspace,
    stateDir: file.state_dir,
    socketPath: file.socket,
    logLevel: file.log_level,
    logFormat: file.log_format,
    onStop: file.on_stop,
    unsafeNoFencing: file.unsafe_no_fencing,
    reactions: file.reaction.map(toReaction),
  };
}
