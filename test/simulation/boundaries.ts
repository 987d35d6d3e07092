/** What ends at a crash point. */
export type CrashKind =
  /** The daemon: its locks become orphans, what it wrote stays. */
  | 'daemon'
  /** The daemon in the middle of a write(2), of which a part has reached the file. */
  | 'torn'
  /** The child that speaks to the kernel. */
  | 'child'
  /** The machine: the kernel forgets its locks, what was not synced may be gone. */
  | 'node'
  /** The daemon, and the list's last bytes are missing when it comes back. */
  | 'cut'
  /** The daemon, and a bit of the list is another one when it comes back. */
  | 'flip';

/** Where, how and with what left a run is to crash. */
export interface CrashPlan {
  readonly kind: CrashKind;
  /** At the how-manyth boundary, from 0: of all, or, for `torn`, of those within writes. */
  readonly at: number;
  /**
   * `torn`: so many bytes of the write have gone out. `cut`: so many bytes are missing. `flip`:
   * which bit, modulo all of them. `node`: how many percent of what was not synced are left.
   */
  readonly amount: number;
}

/** Who can die at a boundary. */
export interface Victim {
  readonly name: string;
  crash(plan: CrashPlan): void;
}

/**
 * Counts every moment at which a crash makes a difference that can be told: before and after each
 * write, send, lock action, answer and reply. At the planned one it lets the victim die.
 */
export class Boundaries {
  readonly plan: CrashPlan | null;
  /** What happened so far, when that is kept. */
  readonly trace: string[] | null;
  /** False: nothing is counted, and nobody dies. */
  isOn = false;
  count = 0;
  /** How many bytes each write had so far. */
  readonly writes: number[] = [];
  /** The boundaries right after a write. */
  readonly written: number[] = [];
  #hasStruck = false;

  constructor(plan: CrashPlan | null, isTraced: boolean) {
    this.plan = plan;
    this.trace = isTraced ? [] : null;
  }

  /** Whether the planned crash has happened. */
  get hasStruck(): boolean {
    return this.#hasStruck;
  }

  /** How much of a write has reached the file when its process dies within it. */
  tornBytes(bytes: number): number {
    return this.plan?.kind === 'torn' ? Math.min(this.plan.amount, bytes) : 0;
  }

  /** `bytes`: the boundary lies within a write of so many, which may be cut in two. */
  pass(victim: Victim, label: string, bytes = 0): void {
    if (!this.isOn) {
      this.trace?.push(`      ${victim.name} ${label}`);
      return;
    }
    this.trace?.push(`${String(this.count).padStart(5)} ${victim.name} ${label}`);
    const at = this.plan?.kind === 'torn' ? this.writes.length : this.count;
    const isOfKind = this.plan?.kind !== 'torn' || bytes > 0;
    if (bytes > 0) this.writes.push(bytes);
    if (label === 'after write') this.written.push(this.count);
    this.count += 1;
    if (this.plan?.at !== at || !isOfKind || this.#hasStruck) return;
    this.#hasStruck = true;
    this.trace?.push(`      ${victim.name} CRASH ${describePlan(this.plan)}`);
    victim.crash(this.plan);
  }
}

export function describePlan({ kind, at, amount }: CrashPlan): string {
  return `${kind} at ${at} (${amount})`;
}
