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

/** Why: test/model/refused-stop.test.ts. */
test('dlm_controld and the coordinator are one cloned group, whose refused stop waits', (t) => {
  const crm = readFileSync(join(SAMPLES, 'holdfast.crm'), 'utf8');
  t.regex(crm, /^group locking dlm holdfast\nclone locking-clone locking /m);
  t.regex(crm, /^primitive holdfast [^#]*op stop [^\n]* on-fail=block/m);
  const pcs = readFileSync(join(SAMPLES, 'holdfast.pcs.sh'), 'utf8');
  const members = [...pcs.matchAll(/resource create (\w+) [^#]*?--group locking$/gm)];
  t.deepEqual(members.map(([, name]) => name), ['dlm', 'holdfast']);
  t.regex(pcs, /resource clone locking /);
  t.regex(pcs, /resource create holdfast [^#]* stop timeout=\d+s on-fail=block/);
});
