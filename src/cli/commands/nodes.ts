import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';
import { renderTable } from '../table.js';
import { describeTime } from '../text.js';
import { NODE_STATE_MEANING } from '../wording.js';

/** `holdfast nodes`: every node that this one knows, and what its state means for its locks. */
export async function showNodes({ context, options, open }: Job): Promise<number> {
  const nodes = await (await open()).nodes();
  if (options.json) {
    printJson(context, { nodes });
    return EXIT.OK;
  }
  context.stdout.write(renderTable(
    ['ID', 'NODE', 'STATE', 'LOCKS', 'SINCE', 'MEANING'],
    nodes.map((node) => [
      String(node.id),
      node.self ? `${node.name} (here)` : node.name,
      node.state,
      String(node.locks),
      describeTime(node.since, context.now()),
      node.note ?? NODE_STATE_MEANING[node.state],
    ]),
  ));
  return EXIT.OK;
}
