import test from 'ava';
import { ConfigError } from '../../src/config/error.js';
import { CONFIG_BYTES_MAX, parseConfig } from '../../src/config/parse.js';
import { fuzz } from '../support/fuzz.js';
import { chooseSeed } from '../support/property-seed.js';

const SAMPLE = Buffer.from([
  '# comment', 'lockspace = "holdfast"', 'group = \'holdfast\'', 'log_level = "debug"',
  'x = [1, 2.5, true, {a = 1}, 1979-05-27T07:32:00Z]', '[table.sub]', 'key = """', 'text"""', '',
].join('\n'));
const MESSAGE_CHARACTERS_MAX = 1 << 20;

const parse = (input: Buffer) => parseConfig(input.toString(), '/etc/holdfast.toml');

test('any text as configuration is one, or fails by ConfigError with a bounded message', (t) => {
  const seed = chooseSeed(t);
  const valid = Buffer.from('');
  t.notThrows(() => parse(valid));
  const told = (input: Buffer) => {
    try {
      return parse(input);
    } catch (thrown) {
      if (thrown instanceof ConfigError) t.true(thrown.message.length <= MESSAGE_CHARACTERS_MAX);
      throw thrown;
    }
  };
  const { refused } = fuzz({ seed, samples: [SAMPLE], runs: 1_200 }, told, ConfigError);
  t.true(refused > 0);
});

const full = (piece: string, before = ''): Buffer =>
  Buffer.from(`${before}${piece.repeat(Math.floor((CONFIG_BYTES_MAX - before.length) / piece.length))}`);

for (const [what, input] of [
  ['arrays within arrays', full('[', 'a = ')],
  ['tables within tables', full('{a=', 'a = ')],
  ['a dotted key without end', full('a.', '')],
  ['a table head of dots', full('a.', '[')],
  ['unknown keys', Buffer.from(Array.from({ length: 4_000 }, (_, at) => `k${at} = 1`).join('\n'))],
  ['keys of the prototype', Buffer.from('__proto__ = 1\nconstructor = 2\ntoString.a = 1')],
  ['digits', full('9', 'a = ')],
] as const) {
  test(`a file full of ${what} fails by ConfigError, soon`, (t) => {
    const begunMs = performance.now();
    const thrown = t.throws(() => parse(input), { instanceOf: ConfigError });
    t.true((thrown?.message.length ?? 0) <= MESSAGE_CHARACTERS_MAX, String(thrown?.message.length));
    t.true(performance.now() - begunMs < 5_000);
  });
}
