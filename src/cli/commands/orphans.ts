import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';
import { renderOrphan } from '../orphan-text.js';

const ADVICE = `\
The kernel holds each of these, and no lock list says for whom: a list was lost, or a program other
than Holdfast took it. It is kept, since something may still write under its protection. A name of
64 hex digits is the hash of a longer name.

Find out first what it protects, and that nothing on that node uses it any more. Then, on that node:

  holdfast release-orphan NAME --mode MODE --reason TEXT

which only says what it would do, until it is given --yes.
`;

/** `holdfast orphans`: the locks that no list explains. */
export async function showOrphans({ context, options, open }: Job): Promise<number> {
  const orphans = await (await open()).orphans();
  if (options.json) {
    printJson(context, { orphans });
  } else if (orphans.length === 0) {
    context.stdout.write('There is no lock that no list explains, as far as this node knows.\n');
  } else {
    for (const orphan of orphans) {
      context.stdout.write(`${renderOrphan(orphan, context.now())}\n`);
    }
    context.stdout.write(ADVICE);
  }
  return EXIT.OK;
}
