import test from 'ava';
import { readVersion } from '../src/version.js';
import { DAEMON, Program } from './support/program.js';

const WRONG: readonly (readonly [args: readonly string[], complaint: RegExp])[] = [
  [['--nonsense'], /unknown option '--nonsense'/],
  [['stray'], /too many arguments/],
  [['--config'], /argument missing/],
  [['--dev', '--nodes', '0'], /--nodes takes a whole number from 1 to 16, not '0'/],
  [['--dev', '--nodes', '17'], /--nodes takes a whole number from 1 to 16, not '17'/],
  [['--dev', '--nodes', 'three'], /--nodes takes a whole number from 1 to 16, not 'three'/],
  [['--dev', '--once'], /--once goes with --scene/],
  [['--dev', '--scene', '--nodes', '2'], /--scene is written for --nodes 3/],
  [['--scene'], /--scene goes with --dev/],
  [['--once'], /--once goes with --dev/],
  [['--nodes', '2'], /--nodes goes with --dev/],
  [['--dev', '--config', '/x.toml'], /--config does not go with --dev/],
];

for (const [args, complaint] of WRONG) {
  test(`holdfastd ${args.join(' ')} is refused with 2 and says why`, async (t) => {
    const daemon = await Program.run(t, DAEMON, args);
    t.is(daemon.exitCode, 2, `${daemon.stdout}${daemon.stderr}`);
    t.regex(daemon.stderr, complaint);
    t.is(daemon.stdout, '');
  });
}

test('holdfastd --version prints the version', async (t) => {
  const daemon = await Program.run(t, DAEMON, ['--version']);
  t.is(daemon.exitCode, 0);
  t.is(daemon.stdout, `${readVersion()}\n`);
});

test('holdfastd --help names every option', async (t) => {
  const daemon = await Program.run(t, DAEMON, ['--help']);
  t.is(daemon.exitCode, 0);
  for (const option of ['--config', '--dev', '--nodes', '--scene', '--once']) {
    t.true(daemon.stdout.includes(option), option);
  }
});
