import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import test from 'ava';

import { BoundChild } from './bound-child.js';
import { createScratch, identify, isAlive, removeScratch } from './scratch.js';

test('a folder of a dead owner is swept and that of a live one is left', (t) => {
  const mine = createScratch('scratch-test');
  const dead = join(dirname(mine), 'run-dead');
  mkdirSync(dead);
  writeFileSync(join(dead, 'owner.json'), JSON.stringify({ pid: process.pid, startTicks: '1' }));
  const next = createScratch('scratch-test');
  t.false(existsSync(dead));
  t.true(existsSync(mine));
  for (const folder of [mine, next]) removeScratch(folder);
  t.false(existsSync(mine));
});

test('a process is alive until it has ended, and its pid alone does not make it so', async (t) => {
  const child = spawn('sleep', ['60']);
  const identity = identify(child.pid ?? 0);
  if (identity === null) throw new Error('sleep does not run');
  t.true(isAlive(identity));
  t.false(isAlive({ ...identity, startTicks: '1' }));
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.false(isAlive(identity));
});

test('a bound child is killed with the process that started it, also by SIGKILL', async (t) => {
  const module = new URL('bound-child.js', import.meta.url).href;
  const program = `
    const { BoundChild } = await import(${JSON.stringify(module)});
    console.log(BoundChild.start('sleep', ['60'], { stdio: 'ignore' }).pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program]);
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  t.true(existsSync(`/proc/${pid}`));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  for (let turn = 0; turn < 100 && identify(pid) !== null; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.is(identify(pid), null);
});

test('a bound child that is stopped can be ended', async (t) => {
  const child = BoundChild.start('sleep', ['60'], { stdio: 'ignore' });
  child.signal('SIGSTOP');
  await child.end();
  t.false(child.alive);
  t.is(child.ending, 'killed by SIGKILL');
});
