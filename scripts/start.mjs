// `npm start`: three nodes in one process, with a scene to look at. Further arguments go to
// holdfastd: `npm start -- --once`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { build, installPackages, nodeProblem, ROOT, say } from './prepare.mjs';

const problem = nodeProblem();
if (problem !== null) {
  say(problem);
  process.exit(1);
}
if (!installPackages() || !build()) process.exit(1);

const args = ['--dev', '--nodes', '3', '--scene', ...process.argv.slice(2)];
say(`running holdfastd ${args.join(' ')}`);
const child = spawn(process.execPath, [join(ROOT, 'build/src/main.js'), ...args], {
  cwd: ROOT,
  stdio: 'inherit',
});

const forward = (signal) => child.kill(signal);
process.on('SIGTERM', forward);
process.on('SIGHUP', forward);
// A terminal sends Ctrl-C to both of us; a second SIGINT would mean "now, at once".
process.on('SIGINT', (signal) => {
  if (!process.stdin.isTTY) forward(signal);
});
child.on('error', (error) => {
  say(`cannot run holdfastd: ${error.message}`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
