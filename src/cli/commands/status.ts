import { styleText } from 'node:util';
import type { StatusView } from '../../control/schema.js';
import { printJson, type Job } from '../action.js';
import { wantsColor } from '../context.js';
import { EXIT } from '../exit-code.js';
import { renderFacts } from '../table.js';
import { printable } from '../text.js';
import { describeStanding } from '../wording.js';

/** `holdfast status`: what this node is, and how far it can vouch for its locks. */
export async function showStatus({ context, options, open }: Job): Promise<number> {
  const status = await (await open()).status();
  if (options.json) {
    printJson(context, status);
    return EXIT.OK;
  }
  context.stdout.write(renderFacts(listFacts(status)));
  const color = wantsColor(context, options);
  for (const hint of status.fencingHints) {
    context.stdout.write(`heard: ${printable(describeHint(hint))}\n`);
  }
  for (const warning of status.warnings) {
    const head = color ? styleText('yellow', 'warning:') : 'warning:';
    context.stdout.write(`${head} ${printable(warning)}\n`);
  }
  return EXIT.OK;
}

function listFacts(status: StatusView): [name: string, value: string][] {
  const { node, quorumNodes } = status;
  const counters = Object.entries(status.counters).filter(([, count]) => count > 0);
  return [
    ['node', node.id === null ? `${node.name} (id not known yet)` : `${node.name} (id ${node.id})`],
    ['standing', describeStanding(status.standing)],
    ['quorum', `${describeQuorum(status.quorate)}; nodes ${quorumNodes.join(', ') || 'none'}`],
    ['locks', describeLocks(status)],
    ['lockspace', status.lockspace],
    ['group', status.group],
    ['version', status.version],
    ['incarnation', status.incarnation],
    ['boot', status.bootId],
    ...counters.map(([name, count]): [string, string] => [name, String(count)]),
  ];
}

function describeQuorum(quorate: boolean | null): string {
  if (quorate === null) {
    return 'not known yet';
  }
  return quorate ? 'yes' : 'no';
}

/** Hearsay, with what dlm_controld, whose word counts, said of it then. */
function describeHint(hint: StatusView['fencingHints'][number]): string {
  const { at, node, operation, succeeded, controller } = hint;
  const outcome = succeeded ? 'succeeded' : 'failed';
  return `${at} ${operation} of ${node} ${outcome}; fencing in dlm_controld then: ${controller}`;
}

function describeLocks({ locks }: StatusView): string {
  const { held, waiting, other, quarantined } = locks;
  const unexplained = quarantined > 0 ? ` (${quarantined} of them in quarantine)` : '';
  return `${held} held, ${waiting} waiting, ${other} other${unexplained}`;
}
