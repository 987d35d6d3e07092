/** What a lockspace waits for, in one word. */
export type AwaitedEvent = 'quorum' | 'fencing' | 'ring' | 'members' | 'recovery';

/** How dlm_controld stands to one node of a lockspace. */
export interface LockspaceNode {
  readonly nodeId: number;
  readonly member: boolean;
  /** It left without saying so, and must be fenced first. */
  readonly failed: boolean;
  /** Its part in the change under way has been heard of. */
  readonly started: boolean;
  /** What still has to be done about it. */
  readonly waitsFor: 'fencing' | 'quorum' | 'filesystem' | 'nothing';
}

/** One lockspace as dlm_controld of this node sees it. */
export interface LockspaceView {
  readonly name: string;
  /** Node ids of the last completed change. */
  readonly members: readonly number[];
  /** What the change under way waits for; null when none is under way. */
  readonly waitsFor: AwaitedEvent | null;
  /** dlm_controld's own words for it, such as `fencing`; empty when nothing is waited for. */
  readonly detail: string;
  /** The kernel has been told to stop serving requests. */
  readonly stopped: boolean;
  readonly nodes: readonly LockspaceNode[];
}

/** One node of the cluster as dlm_controld of this node sees it. */
export interface ControllerNode {
  readonly nodeId: number;
  /** In dlm_controld's own group. */
  readonly member: boolean;
  /**
   * - `none`: nothing to be done.
   * - `needed`: it failed, and must be fenced before anyone gets its locks.
   * - `in-progress`: a fencing agent is at work, as the process `fencePid`.
   */
  readonly fencing: 'none' | 'needed' | 'in-progress';
  /** Seconds on dlm_controld's clock at which it joined, left and failed; 0 for never. */
  readonly joinedAtSeconds: number;
  readonly leftAtSeconds: number;
  readonly failedAtSeconds: number;
  /** When it was last fenced, 0 for never in the life of this dlm_controld. */
  readonly fencedAtSeconds: number;
}

/** The cluster as dlm_controld of this node sees it. */
export interface ClusterView {
  readonly nodeId: number;
  readonly quorate: boolean;
  /** The ring that corosync is in, and the one that dlm_controld has processed. */
  readonly ringSequence: number;
  readonly ringSequenceDone: number;
  /** dlm_controld's clock, in seconds since the machine started. */
  readonly nowSeconds: number;
  /** The agent at work; 0 when none is. */
  readonly fencePid: number;
  /** Whether dead nodes are fenced at all. */
  readonly fencingEnabled: boolean;
  readonly nodes: readonly ControllerNode[];
  readonly lockspaces: readonly LockspaceView[];
}
