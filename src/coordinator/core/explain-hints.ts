import type { FencingHint, LockView } from './view.js';

/**
 * What was last heard of the fencing of each node in the way. Told beside dlm_controld's own word,
 * never in its place.
 */
export function explainHints(
  holders: readonly LockView[],
  hints: readonly FencingHint[],
): readonly string[] {
  const down = new Set(holders.filter(({ nodeState }) => nodeState === 'node-down')
    .map(({ node }) => node.id));
  return [...down].flatMap((nodeId) => {
    const last = hints.findLast((hint) => hint.nodeId === nodeId);
    return last === undefined ? [] : [describeHint(last)];
  });
}

function describeHint({ node, operation, succeeded, at, controller }: FencingHint): string {
  const heard = `Pacemaker told at ${at} that ${operation} of ${node}`;
  if (!succeeded) {
    return `${heard} failed: look at its fencing device ('stonith_admin --history ${node} -V').`;
  }
  const frees = 'only dlm_controld frees its locks';
  return controller === 'needed' || controller === 'in-progress'
    ? `${heard} succeeded, and dlm_controld still waited for it then: ${frees}.`
    : `${heard} succeeded; ${frees}, once it has taken note.`;
}
