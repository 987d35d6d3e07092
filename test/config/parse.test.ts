import test from 'ava';
import { hostname } from 'node:os';
import { ConfigError, parseConfig, type ConfigProblem } from '../../src/config/index.js';

function problemsOf(text: string): { error: ConfigError; problems: readonly ConfigProblem[] } {
  try {
    parseConfig(text, '/etc/x.toml');
  } catch (error) {
    if (error instanceof ConfigError) {
      return { error, problems: error.problems };
    }
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

test('an empty file gives the defaults', (t) => {
  t.deepEqual(parseConfig('', '/etc/x.toml'), {
    nodeName: hostname(),
    group: 'holdfast',
    lockspace: 'holdfast',
    stateDir: '/var/lib/holdfast',
    socketPath: '/run/holdfast/control.sock',
    logLevel: 'info',
    logFormat: 'text',
    onStop: 'refuse',
    unsafeNoFencing: false,
    reactions: [],
  });
});

test('every key can be set', (t) => {
  const text = [
    'node_name = "n1"', 'group = "g"', 'lockspace = "l.1_-"', 'state_dir = "/srv/state"',
    'socket = "/srv/s"', 'log_level = "debug"', 'log_format = "json"', 'unsafe_no_fencing = true',
    'on_stop = "keep"',
  ].join('\n');
  t.deepEqual(parseConfig(text, '/etc/x.toml'), {
    nodeName: 'n1', group: 'g', lockspace: 'l.1_-', stateDir: '/srv/state', socketPath: '/srv/s',
    logLevel: 'debug', logFormat: 'json', onStop: 'keep', unsafeNoFencing: true,
    reactions: [],
  });
});

test('an unknown key is named with its line and the key that was probably meant', (t) => {
  const { error, problems } = problemsOf('# head\n\nlock-space = "a"\n');
  t.is(error.code, 'INVALID');
  t.is(problems.length, 1);
  t.like(problems[0], { key: 'lock-space', line: 3, nearestKey: 'lockspace' });
  t.regex(error.message, /^\/etc\/x\.toml:3: lock-space: .*Did you mean lockspace\?/);
});

test('an unknown key that resembles nothing gets no guess', (t) => {
  t.is(problemsOf('[zzzzzzzz]\nx = 1').problems[0]?.nearestKey, null);
});

test('all problems are listed in the order of the file', (t) => {
  const { problems } = problemsOf(
    'log_level = "loud"\nunsafe_no_fencing = "no"\nfoo = 1\nlockspace = ".."\nsocket = "run/s"',
  );
  t.deepEqual(problems.map(({ key, line }) => ({ key, line })), [
    { key: 'log_level', line: 1 },
    { key: 'unsafe_no_fencing', line: 2 },
    { key: 'foo', line: 3 },
    { key: 'lockspace', line: 4 },
    { key: 'socket', line: 5 },
  ]);
});

test('a wrong value is told with what was found and what is allowed', (t) => {
  const { problems } = problemsOf('log_level = 3');
  t.deepEqual(problems, [{
    key: 'log_level',
    line: 1,
    found: 'found the number 3',
    allowed: '"error", "warn", "info", "debug"',
    nearestKey: null,
    remedy: 'Correct the value, or remove the line to use the default.',
  }]);
});

for (const [what, line] of [
  ['65 characters', `lockspace = "${'x'.repeat(65)}"`],
  ['a slash', 'lockspace = "a/b"'],
  ['nothing', 'lockspace = ""'],
  ['a control character', 'group = "a\\u0007"'],
  ['128 bytes of group', `group = "${'x'.repeat(128)}"`],
  ['a socket path too long for the kernel', `socket = "/${'x'.repeat(90)}"`],
  ['an empty node name', 'node_name = ""'],
  ['an array', 'node_name = ["n1"]'],
] as const) {
  test(`refused: ${what}`, (t) => {
    t.is(problemsOf(line).problems.length, 1);
  });
}

test('a syntax error is told with its line', (t) => {
  const { error, problems } = problemsOf('group = "a"\nlockspace = = 3');
  t.is(error.code, 'SYNTAX');
  t.like(problems[0], { key: null, line: 2 });
  t.regex(error.message, /^\/etc\/x\.toml:2: column \d+/);
});

test('a file far too large is refused before it is parsed', (t) => {
  t.regex(problemsOf('#'.repeat(70_000)).error.message, /larger than 65536 bytes/);
});

test('names from the prototype of objects are ordinary unknown keys', (t) => {
  t.is(problemsOf('constructor = 1').problems[0]?.key, 'constructor');
});

test('a reaction has defaults for what it leaves out', (t) => {
  const text = '[[reaction]]\non = ["node-down"]\ncommand = ["/bin/x", "y"]\n';
  t.deepEqual(parseConfig(text, '/etc/x.toml').reactions, [{
    on: ['node-down'], command: ['/bin/x', 'y'], resources: null, timeoutMs: 30_000, retries: 0,
    retryDelayMs: 5_000,
  }]);
});

test('what is wrong in a reaction is told with its number, its key and its line', (t) => {
  const { problems } = problemsOf([
    '[[reaction]]', 'on = ["node-down"]', 'command = ["/bin/x"]',
    '[[reaction]]', 'on = ["node-dwn"]', 'command = ["x"]', 'timeouts = 1',
  ].join('\n'));
  const about = problems.map(({ key, line }) => `${line} ${key}`);
  t.deepEqual(about.sort(), ['4 reaction 2: command', '4 reaction 2: on', '4 reaction 2: timeouts']);
  t.is(problems.find(({ key }) => key?.endsWith('timeouts'))?.nearestKey, 'timeout_s');
});
