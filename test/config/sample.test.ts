import test from 'ava';
import { readFile } from 'node:fs/promises';
import { parseConfig } from '../../src/config/index.js';

const SAMPLE = 'corosync/holdfast.toml';

test('the sample file says the defaults, and with every key set it is still valid', async (t) => {
  const text = await readFile(SAMPLE, 'utf8');
  t.deepEqual(parseConfig(text, SAMPLE), parseConfig('', SAMPLE));
  const uncommented = text.replaceAll(/^#(\w+ = |\[\[)/gm, '$1');
  t.not(uncommented, text);
  const { nodeName, reactions, ...rest } = parseConfig(uncommented, SAMPLE);
  const { nodeName: hostName, reactions: none, ...defaults } = parseConfig('', SAMPLE);
  t.is(nodeName, 'node1');
  t.not(hostName, '');
  t.deepEqual(rest, defaults);
  t.deepEqual(none, []);
  t.deepEqual(reactions, [{
    on: ['node-recovered', 'lock-lost'], command: ['/usr/local/sbin/tell-me', '--loud'],
    resources: ['vm-*'], timeoutMs: 30_000, retries: 0, retryDelayMs: 5_000,
  }]);
});
