/** What dlm_controld says of the nodes that it has given up. */
export interface FencingFacts {
  readonly enabled: boolean;
  readonly nodes: readonly {
    readonly nodeId: number;
    readonly fencing: 'needed' | 'in-progress';
  }[];
}
