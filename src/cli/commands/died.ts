import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';
import { renderLocks } from '../lock-table.js';
import { printable } from '../text.js';
import { NODE_STATE_MEANING } from '../wording.js';

/** `holdfast died NODE`: what a node last told of its locks, and what has become of them. */
export async function showDied({ context, options, open }: Job, name: string): Promise<number> {
  const last = await (await open()).lastManifest(name);
  if (options.json) {
    printJson(context, last);
    return EXIT.OK;
  }
  const { node, locks } = last;
  const note = node.note === null ? '' : `; ${printable(node.note)}`;
  context.stdout.write(`${node.name}: ${NODE_STATE_MEANING[node.state]}${note}\n`);
  if (locks.length === 0) context.stdout.write('It told of no locks.\n');
  else context.stdout.write(renderLocks(locks, context.now()));
  return EXIT.OK;
}
