import type { Boundaries, CrashKind, CrashPlan } from './boundaries.js';
import { describePlan } from './boundaries.js';
import { Chain } from './chain.js';
import { describeOp, type Script } from './script.js';

/** How many points were tried, by the kind of the crash. */
export type Counts = Record<CrashKind | 'none', number>;

export interface Finding {
  readonly script: Script;
  /** Which point of the script, from 0: `HOLDFAST_CRASH_POINT` replays it. */
  readonly point: number;
  readonly plan: CrashPlan | null;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
}

/** How much damage is tried at each place. */
export interface Depth {
  /** Cut off this many bytes at most, one more at each point: some more than the last record. */
  readonly cutBytes: number;
  /** Places within one write, and of the cut, per place; Infinity for every byte. */
  readonly placesMax: number;
  readonly flips: number;
}

export const EVERY_BYTE: Depth = { cutBytes: 200, placesMax: Number.POSITIVE_INFINITY, flips: 24 };
export const SOME_BYTES: Depth = { cutBytes: 200, placesMax: 2, flips: 1 };

export function noCounts(): Counts {
  return { none: 0, daemon: 0, torn: 0, child: 0, node: 0, cut: 0, flip: 0 };
}

/**
 * Runs a script once as it is and once for each crash point. Points are the same at every run of
 * the same script. Ends at the first that goes wrong, or when `mayGoOn` says so.
 */
export async function explore(
  script: Script, depth: Depth, counts: Counts, mayGoOn: () => boolean = () => true,
): Promise<Finding | null> {
  const first = await new Chain(script).run(null);
  const plans = [null, ...plansFor(script, first.boundaries, depth)];
  let chain = new Chain(script);
  for (const [point, plan] of plans.entries()) {
    if (!mayGoOn()) return null;
    const { violations, boundaries } = await chain.run(plan);
    counts[plan?.kind ?? 'none'] += plan === null || boundaries.hasStruck ? 1 : 0;
    if (violations.length > 0) return replay(script, depth, point);
    // Another boot, or damage that is in quarantine for good, is no beginning for the next.
    if (plan !== null && isDirty(plan)) chain = new Chain(script);
  }
  return null;
}

/** Runs up to that point again, with a trace of it; alone too, in case that is enough. */
export async function replay(script: Script, depth: Depth, point: number): Promise<Finding> {
  const first = await new Chain(script).run(null);
  const plans = [null, ...plansFor(script, first.boundaries, depth)];
  const plan = plans[point] ?? null;
  const alone = await new Chain(script).run(plan, true);
  if (alone.violations.length > 0) {
    const { violations, boundaries } = alone;
    return { script, point, plan, violations, trace: boundaries.trace ?? [] };
  }
  let chain = new Chain(script);
  for (const earlier of plans.slice(0, point)) {
    await chain.run(earlier);
    if (earlier !== null && isDirty(earlier)) chain = new Chain(script);
  }
  const { violations, boundaries } = await chain.run(plan, true);
  return { script, point, plan, violations, trace: boundaries.trace ?? [] };
}

/** What to print of it, and how to see it again. */
export function describeFinding({ script, point, plan, violations, trace }: Finding): string {
  const again = script.name.startsWith('random')
    ? `HOLDFAST_SEED=${script.seed} HOLDFAST_CRASH_POINT=${point}`
    : `HOLDFAST_SCRIPT='${script.name}' HOLDFAST_CRASH_POINT=${point}`;
  return [
    `script '${script.name}', point ${point}: ${plan === null ? 'no crash' : describePlan(plan)}`,
    `again: ${again}`, ...script.ops.map((op) => `  ${describeOp(op)}`), ...violations, ...trace,
  ].join('\n');
}

function isDirty({ kind }: CrashPlan): boolean {
  return kind === 'cut' || kind === 'flip';
}

function plansFor(script: Script, first: Boundaries, depth: Depth): readonly CrashPlan[] {
  const { cutBytes, placesMax, flips } = depth;
  const places = Array.from({ length: first.count }, (_, at) => at);
  const spread = (most: number): readonly number[] => {
    const count = Math.min(most, placesMax);
    return Array.from({ length: count }, (_, index) => Math.ceil(((index + 1) * most) / count));
  };
  return [
    ...places.flatMap((at) => [
      { kind: 'daemon', at, amount: 0 }, { kind: 'child', at, amount: 0 },
    ] as const),
    ...first.writes.flatMap((bytes, at) =>
      spread(bytes - 1).map((amount) => ({ kind: 'torn', at, amount }) as const)),
    ...places.flatMap((at) => [0, 40, 100].map((amount) => ({ kind: 'node', at, amount }) as const)),
    ...first.written.flatMap((at) => [
      ...spread(cutBytes).map((amount) => ({ kind: 'cut', at, amount }) as const),
      ...Array.from({ length: flips }, (_, index) => {
        const amount = Math.imul(script.seed + at * 131 + index * 7919, 0x9e3779b1) >>> 8;
        return { kind: 'flip', at, amount } as const;
      }),
    ]),
  ];
}
