import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { LogOptions } from '../src/log.js';
import { Program } from './support/program.js';

const WRITER = fileURLToPath(new URL('support/log-writer.js', import.meta.url));

type Line = readonly [level: string, message: string, facts?: Readonly<Record<string, unknown>>];

/** What a process prints that logs these lines. */
async function printed(
  t: ExecutionContext,
  options: LogOptions,
  lines: readonly Line[],
  journal = false,
): Promise<readonly string[]> {
  const env = { JOURNAL_STREAM: journal ? '8:1' : undefined };
  const args = [JSON.stringify(options), JSON.stringify(lines)];
  const writer = await Program.run(t, WRITER, args, { env });
  t.is(writer.exitCode, 0, writer.stderr);
  t.is(writer.stdout, '', 'the log goes to stderr');
  return writer.stderr.split('\n').slice(0, -1);
}

test('a text line has its time, level, label, text and facts', async (t) => {
  const lines = await printed(t, { level: 'info', format: 'text', label: 'n1' }, [
    ['warn', 'careful', { path: '/x' }], ['info', 'plain'],
  ]);
  t.is(lines.length, 2);
  t.regex(lines[0] ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z warn {2}n1: careful {"path":"\/x"}$/);
  t.regex(lines[1] ?? '', /Z info {2}n1: plain$/);
});

test('lines below the level are left out', async (t) => {
  const all = [['error', 'e'], ['warn', 'w'], ['info', 'i'], ['debug', 'd']] as const;
  t.is((await printed(t, { level: 'warn', format: 'text' }, all)).length, 2);
  t.is((await printed(t, { level: 'debug', format: 'json' }, all)).length, 4);
});

test('under systemd each line begins with its priority and leaves the time to the journal', async (t) => {
  const lines = await printed(t, { level: 'debug', format: 'text' }, [
    ['error', 'e'], ['warn', 'w'], ['info', 'i'], ['debug', 'd'],
  ], true);
  t.deepEqual(lines, ['<3>e', '<4>w', '<6>i', '<7>d']);
});

test('a text of several lines stays one line, and cannot pose as another one', async (t) => {
  const text = 'dlm_tool failed:\n  no daemon\r\n<0>forged\u001b[2Jhidden\n';
  const [line, ...more] = await printed(t, { level: 'info', format: 'text' }, [['warn', text]], true);
  t.is(line, '<4>dlm_tool failed:; no daemon; <0>forged?[2Jhidden');
  t.deepEqual(more, []);
});

test('a JSON line is one object with level, message, time and facts', async (t) => {
  const [line = ''] = await printed(t, { level: 'info', format: 'json' }, [
    ['warn', 'two\nlines', { path: '/x' }],
  ]);
  const { timestamp, ...rest } = JSON.parse(line) as Record<string, unknown>;
  t.deepEqual(rest, { level: 'warn', message: 'two\nlines', facts: { path: '/x' } });
  t.regex(String(timestamp), /^\d{4}-/);
});
