import test from 'ava';
import { describeTime, printable } from '../../src/cli/text.js';

const NOW = Date.parse('2026-01-02T03:04:05.000Z');

for (const [iso, words] of [
  ['2026-01-02T03:04:04.500Z', 'just now (2026-01-02 03:04:04Z)'],
  ['2026-01-02T03:04:04.000Z', '1 second ago (2026-01-02 03:04:04Z)'],
  ['2026-01-02T01:00:00.000Z', '2 hours ago (2026-01-02 01:00:00Z)'],
  ['2025-12-31T03:04:05.000Z', '2 days ago (2025-12-31 03:04:05Z)'],
  ['2026-01-02T03:05:05.000Z', '1 minute ahead of this clock (2026-01-02 03:05:05Z)'],
  ['soon\u001b', 'soon\\x1b'],
] as const) {
  test(`${JSON.stringify(iso)} reads: ${words}`, (t) => {
    t.is(describeTime(iso, NOW), words);
  });
}

test('texts from elsewhere cannot steer a terminal or reverse what is read', (t) => {
  t.is(printable('a\u001b[31mb\u202ec\u009bd\n é'), 'a\\x1b[31mb\\x202ec\\x9bd\\x0a é');
});
