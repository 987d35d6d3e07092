import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';

/** `holdfast explain RESOURCE`: why it is or is not to be had, the most important first. */
export async function explain({ context, options, open }: Job, resource: string): Promise<number> {
  const explanation = await (await open()).explain(resource);
  if (options.json) printJson(context, explanation);
  else {
    const lines = explanation.sentences.map((sentence) => `${sentence}\n`);
    context.stdout.write(`${resource}: ${explanation.verdict}\n${lines.join('')}`);
  }
  return EXIT.OK;
}
