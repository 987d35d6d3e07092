import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The deepest path that is searched; a deeper one fails the check instead of being cut off. */
const DEPTH_MAX = 100_000;
/** Each of spin, the compiler and the search ends within this. */
const BOUND_MS = 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** `ends`: assertions, and states without a successor; `cycles`: that there are none. */
export type Search = 'ends' | 'cycles';

export interface Verdict {
  /** Paths on which something is wrong; the search ends at the first. */
  readonly errors: number;
  /** Whether every state was looked at. */
  readonly isComplete: boolean;
  readonly states: number;
  /** Lines of the model that were never reached. */
  readonly unreached: readonly string[];
  /** All that the search said. */
  readonly report: string;
}

/** Searches all states of a model in `model/`, with these changes of it defined. */
export async function checkModel(
  name: string,
  search: Search,
  defines: readonly string[] = [],
): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-model-'));
  try {
    const options = { cwd: folder, timeout: BOUND_MS, maxBuffer: OUTPUT_BYTES_MAX };
    const flags = defines.map((define) => `-D${define}`);
    await run('spin', ['-a', ...flags, resolve('model', name)], options);
    const kind = search === 'ends' ? '-DSAFETY' : '-DNP';
    await run('gcc', ['-O2', '-w', kind, '-DCOLLAPSE', '-o', 'pan', 'pan.c'], options);
    const how = ['-w20', `-m${DEPTH_MAX}`, ...(search === 'ends' ? [] : ['-l'])];
    const { stdout } = await run('./pan', how, options);
    return read(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function read(report: string): Verdict {
  const numberIn = (pattern: RegExp): number => Number(pattern.exec(report)?.[1] ?? Number.NaN);
  return {
    errors: numberIn(/errors: (\d+)/),
    isComplete: !/not completed|max search depth too small/.test(report),
    states: numberIn(/(\d+) states, stored/),
    unreached: [...report.matchAll(/^\t\S+\.pml:(\d+), .*$/gm)]
      .map(([line]) => line.trim()).filter((line) => !line.includes('"-end-"')),
    report,
  };
}
