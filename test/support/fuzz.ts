import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../src/embedded/index.js';

/** How much a decoder is given; a whole file of them stays below half a second. */
export interface FuzzOptions {
  readonly seed: number;
  /** Valid inputs, which are truncated at every byte and mutated. */
  readonly samples: readonly Uint8Array[];
  /** Mutated and random inputs beside the truncations. */
  readonly runs: number;
  /** Of a random input. */
  readonly bytesMax?: number;
  /** A sample longer than this is truncated at every n-th byte only. */
  readonly truncationsMax?: number;
}

const TRUNCATIONS_MAX = 600;
const BYTES_MAX = 300;

/** No input of a few kB may take longer, however busy the machine is. */
const INPUT_MS_MAX = 2_000;

/**
 * Gives `decode` every truncation of the samples, mutations of them and random bytes. It must
 * fail by nothing but `own`, in bounded time; what it gives is handed to `check`.
 * Throws an AssertionError that shows the input, in base64, and the seed.
 */
export function fuzz<Value>(
  options: FuzzOptions,
  decode: (input: Buffer) => Value,
  own: abstract new (...args: never[]) => Error,
  check: (value: Value, input: Buffer) => void = () => undefined,
): { readonly decoded: number; readonly refused: number } {
  const outcome = { decoded: 0, refused: 0 };
  for (const input of inputs(options)) {
    const begunMs = performance.now();
    try {
      check(decode(input), input);
      outcome.decoded += 1;
    } catch (thrown) {
      if (!(thrown instanceof own)) throw story(options.seed, input, thrown);
      outcome.refused += 1;
    }
    const elapsedMs = performance.now() - begunMs;
    if (elapsedMs > INPUT_MS_MAX) throw story(options.seed, input, `took ${elapsedMs} ms`);
  }
  return outcome;
}

/** The inputs themselves, for what is not a plain function. */
export function* inputs(options: FuzzOptions): Generator<Buffer> {
  const { seed, samples, runs, bytesMax = BYTES_MAX } = options;
  const { truncationsMax = TRUNCATIONS_MAX } = options;
  const random = createRandom(seed);
  for (const sample of samples) {
    const step = Math.max(1, Math.ceil(sample.byteLength / truncationsMax));
    for (let end = 0; end <= sample.byteLength; end += step) {
      yield Buffer.from(sample.subarray(0, end));
    }
  }
  for (let run = 0; run < runs; run += 1) {
    const sample = samples[below(random, samples.length)];
    yield sample === undefined || run % 4 === 0
      ? randomBytes(random, below(random, bytesMax)) : mutated(random, sample);
  }
}

/** One to four changes: a byte or a bit, a part taken out, doubled, moved or made of noise. */
export function mutated(random: Random, sample: Uint8Array): Buffer {
  let bytes = Buffer.from(sample);
  for (let change = 0; change <= below(random, 4); change += 1) {
    const at = below(random, bytes.length + 1);
    const end = Math.min(bytes.length, at + 1 + below(random, 16));
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(end)];
    const part = bytes.subarray(at, end);
    switch (below(random, 7)) {
      case 0:
        if (at < bytes.length) bytes[at] = below(random, 256);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
        break;
      case 2:
        bytes = Buffer.concat([head, tail]);
        break;
      case 3:
        bytes = Buffer.concat([head, part, part, tail]);
        break;
      case 4:
        bytes = Buffer.concat([tail, part, head]);
        break;
      case 5:
        bytes = Buffer.concat([head, randomBytes(random, below(random, 16)), tail]);
        break;
      default:
        // Digits at their ends are where numbers go wrong.
        bytes = Buffer.concat([head, Buffer.from(EXTREMES[below(random, EXTREMES.length)] ?? ''), tail]);
    }
  }
  return bytes;
}

const EXTREMES: readonly string[] = [
  '0', '-1', '4294967296', '9007199254740993', '18446744073709551616', '1e999', '9'.repeat(400),
  '\0', '\n', '"', '\\', '\ufeff', '\ud7ff', '{', '[[[[[[[[', 'null', '__proto__', 'constructor',
  '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
];

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(random, 256)));
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function story(seed: number, input: Buffer, cause: unknown): assert.AssertionError {
  const what = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new assert.AssertionError({
    message: `seed ${seed}, input (base64) ${input.toString('base64')}: ${what}`,
  });
}
