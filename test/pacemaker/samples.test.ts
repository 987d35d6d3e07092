import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { PROJECT } from './support/agent.js';

const SAMPLES = join(PROJECT, 'pacemaker/samples');

/**
 * The lab has seen it: by one command after the other, the machine was started on one node while
 * its lock was held on another, since its constraints came later.
 */
test('a sample for pcs creates resources and constraints in one change of the cluster', (t) => {
  const texts = readdirSync(SAMPLES).filter((name) => name.endsWith('.pcs.sh'))
    .map((name) => [name, readFileSync(join(SAMPLES, name), 'utf8')] as const)
    .filter(([, text]) => text.includes('resource create'));
  t.is(texts.length, 2);
  for (const [name, text] of texts) {
    const live = text.split('\n')
      .filter((line) => line.startsWith('pcs ') && !line.startsWith('pcs -f '));
    t.deepEqual(live, [
      'pcs cluster cib "$cib"', 'pcs cluster cib-push "$cib" diff-against="$cib.before"',
    ], name);
  }
});
