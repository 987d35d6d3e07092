// `npm run bench:views [-- NAME... --rounds=N]`: what it costs that every node knows, and how long
// it takes until it does. Needs a build; `node-down` needs root and corosync as well.
import { parseArgs } from 'node:util';

import { machineFacts } from '../machine.mjs';
import { tableOf } from '../result.mjs';
import { benchChange } from './change.mjs';
import { benchGrowth } from './growth.mjs';
import { benchJoiner } from './joiner.mjs';
import { benchNodeDown } from './node-down.mjs';
import { benchReaction } from './reaction.mjs';

const BENCHES = {
  change: benchChange, joiner: benchJoiner, growth: benchGrowth, reaction: benchReaction,
  'node-down': benchNodeDown,
};

const { values, positionals } = parseArgs({
  allowPositionals: true, options: { rounds: { type: 'string', default: '100' } },
});
const say = (text) => process.stderr.write(`${text}\n`);

say(machineFacts().join('\n'));
const rows = [];
for (const name of positionals.length === 0 ? Object.keys(BENCHES) : positionals) {
  const bench = BENCHES[name];
  if (bench === undefined) {
    throw new Error(`there is no bench ${name}; there are ${Object.keys(BENCHES).join(', ')}`);
  }
  rows.push(...(await bench({ rounds: Number(values.rounds), say })));
}
process.stdout.write(`${tableOf(rows)}\n`);
