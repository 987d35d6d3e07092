import type { CoordinatorEvent } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';
import { printable } from '../text.js';
import { describeHolding, describeOwner, describeStanding, NODE_STATE_MEANING } from '../wording.js';

/** `holdfast watch`: prints every change until it is interrupted, which is its normal end. */
export async function watch({ context, options, open }: Job): Promise<number> {
  const interrupt = new AbortController();
  const stopListening = context.onSignal(['SIGINT', 'SIGTERM'], () => interrupt.abort());
  try {
    for await (const event of (await open()).watch(interrupt.signal)) {
      if (options.json) {
        printJson(context, event);
      } else {
        context.stdout.write(`${printable(`${event.at}  ${describe(event)}`)}\n`);
      }
    }
  } finally {
    stopListening();
  }
  return EXIT.OK;
}

function describe(event: CoordinatorEvent): string {
  switch (event.type) {
    case 'standing':
      return `this node: ${describeStanding(event.standing)}`;
    case 'node': {
      const { name, state } = event.node;
      return `node ${name}: ${state} (${NODE_STATE_MEANING[state]})`;
    }
    case 'lock': {
      const { lock, gone } = event;
      return gone
        ? `lock ${lock.resource}: no longer of ${describeOwner(lock.owner)} on ${lock.node.name}`
        : `lock ${lock.resource}: ${describeHolding(lock)} (${lock.mode})`;
    }
    default:
      return event satisfies never;
  }
}
