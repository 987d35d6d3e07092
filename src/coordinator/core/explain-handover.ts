import type { HandoverView, LockView } from './view.js';

/** What a handover means for everybody else, and what would end it; nothing without one. */
export function explainHandover(holders: readonly LockView[]): readonly string[] {
  const source = holders.find(({ handover }) => handover?.role === 'source');
  const lock = source ?? holders.find(({ handover }) => handover !== undefined);
  if (lock?.handover === undefined) return [];
  const { handover } = lock;
  const [from, to] = handover.role === 'source'
    ? [lock.node.name, handover.node.name]
    : [handover.node.name, lock.node.name];
  const what = `A handover is under way from ${from} to ${to} since ${handover.since}: nobody else ` +
    'gets it until that has ended';
  return [`${what}. ${howFar(handover, from, to)}`];
}

function howFar({ step, role }: HandoverView, from: string, to: string): string {
  switch (step) {
    case 'offered':
      return `${to} has not joined yet; when it does not in time, ${from} keeps it.`;
    case 'accepted':
    case 'joined':
      return role === 'source'
        ? `Both have it in CW: 'holdfast handover finish' on ${from} gives it to ${to}, ` +
          `'holdfast handover abort' leaves it with ${from}.`
        : `${to} has it in CW, and nothing is heard of a lock on ${from}: as soon as the kernel ` +
          `has none of ${from}, ${to} has it alone.`;
    case 'leaving':
    case 'aborting':
      return `It is being taken back: ${from} has it alone as soon as ${to} has given up its part.`;
    default:
      return step satisfies never;
  }
}
