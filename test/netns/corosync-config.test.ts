import test from 'ava';

import { corosyncConfigText } from './corosync-config.js';

const text = corosyncConfigText({
  clusterName: 'example',
  nodes: [
    { nodeId: 1, name: 'n1', address: '10.0.0.1' },
    { nodeId: 2, name: 'n2', address: '10.0.0.2' },
  ],
  tokenMs: 700,
  log: 'stderr',
});

test('every brace that opens ends its line, as the parser of corosync wants', (t) => {
  t.deepEqual(text.split('\n').filter((line) => /\{./.test(line)), []);
  t.is(text.match(/\{/g)?.length, text.match(/\}/g)?.length);
});

test('every node stands in the list with its id, name and address', (t) => {
  t.true(text.includes('node {\nnodeid: 1\nname: n1\nring0_addr: 10.0.0.1\n}'));
  t.true(text.includes('node {\nnodeid: 2\nname: n2\nring0_addr: 10.0.0.2\n}'));
});

test('the token does not grow with the number of nodes', (t) => {
  t.regex(text, /^token: 700\ntoken_coefficient: 0$/m);
});

test('the log goes to one place only', (t) => {
  t.regex(text, /^to_stderr: yes\nto_syslog: no$/m);
});
