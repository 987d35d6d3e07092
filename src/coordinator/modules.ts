import type { Clock } from '../clock.js';
import type { OpenGroup } from '../cpg/index.js';
import type { LockManager } from '../dlm/index.js';
import type { ProcessWatch } from '../process-watch/port.js';
import type { OpenQuorum } from '../quorum/index.js';
import type { LogLevel } from './core/effect.js';
import type { ListedLock, ListRecord } from './core/record.js';
import type { ListCondition } from './list/port.js';

/** The lock list as the coordinator uses it; see list/. */
export interface LockListPort {
  /** Resolves when write(2) has taken all of them, in order. */
  append(records: readonly ListRecord[]): Promise<void>;
  /** Resolves when the mark is on disk; generations up to `last` may be told from then on. */
  reserveGenerations(above: number): Promise<{ readonly last: number }>;
  /** Calls back at once, and whenever it begins to fail, hangs in a sync, or is well again. */
  watch(listener: (condition: ListCondition) => void): void;
  close(): Promise<void>;
}

export type OpenList = () => Promise<{
  readonly list: LockListPort;
  readonly found: {
    readonly locks: readonly ListedLock[];
    readonly generations: { readonly upTo: number; readonly certain: boolean };
    readonly problems: readonly string[];
  };
}>;

export type Log = (level: LogLevel, message: string) => void;

/** Everything outside a coordinator, each with a real and an embedded side. */
export interface CoordinatorModules {
  readonly openGroup: OpenGroup;
  readonly openQuorum: OpenQuorum;
  readonly lockManager: LockManager;
  readonly openList: OpenList;
  readonly processWatch: ProcessWatch;
  readonly clock: Clock;
  readonly log: Log;
}

export interface CoordinatorOptions {
  readonly nodeName: string;
  /** 32 random hex digits, new at every start. */
  readonly incarnation: string;
  readonly bootId: string;
  readonly lockspace: string;
  readonly group: string;
  readonly softwareVersion: string;
  /** Run although dlm_controld lets go of a dead node's locks without fencing it. */
  readonly unsafeNoFencing: boolean;
}
