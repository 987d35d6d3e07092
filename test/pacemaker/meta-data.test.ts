import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Agent, PROJECT } from './support/agent.js';

const run = promisify(execFile);
const AGENTS = ['coordinator', 'lock'] as const;
/** Of the package pcs: a relaxed grammar of RA API 1.1, the only one that Debian has. */
const GRAMMAR = '/usr/share/pcs/data/ocf-1.1.rng';
/** Every shell script that we ship but the samples; libraries are followed from their users. */
const SCRIPTS = [
  'pacemaker/ocf/coordinator', 'pacemaker/ocf/lock', 'pacemaker/alert/fencing-alert',
  'pacemaker/reaction/fail-resource',
];

async function metaDataOf(t: ExecutionContext, name: (typeof AGENTS)[number]): Promise<string> {
  const agent = await Agent.create(t, name, {});
  const { exitCode, stdout } = await agent.run('meta-data');
  t.is(exitCode, 0);
  return stdout;
}

/** The grammar's path; null, with the reason in the log, where it cannot be had. */
async function findGrammar(t: ExecutionContext): Promise<string | null> {
  if (existsSync(GRAMMAR)) return GRAMMAR;
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-grammar-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  try {
    await run('apt-get', ['download', 'pcs'], { cwd: folder, timeout: 40_000 });
    const [deb = ''] = await readdir(folder);
    await run('dpkg-deb', ['-x', deb, 'pcs'], { cwd: folder, timeout: 20_000 });
    return join(folder, 'pcs', GRAMMAR);
  } catch (error) {
    t.log(`skipped: no ${GRAMMAR}, and the package pcs cannot be fetched (${String(error)})`);
    return null;
  }
}

async function isMissing(t: ExecutionContext, program: string, pack: string): Promise<boolean> {
  try {
    await run(program, ['--version'], { timeout: 10_000 });
    return false;
  } catch (error) {
    t.log(`skipped: ${program} is needed, of the package ${pack} (${String(error)})`);
    return true;
  }
}

for (const name of AGENTS) {
  test(`the meta-data of ${name} name no encoding, which crmsh would refuse to read`, async (t) => {
    t.true((await metaDataOf(t, name)).startsWith('<?xml version="1.0"?>\n'));
  });

  test(`the meta-data of ${name} follow the grammar of RA API 1.1`, async (t) => {
    const text = await metaDataOf(t, name);
    if (await isMissing(t, 'xmllint', 'libxml2-utils')) return;
    const grammar = await findGrammar(t);
    if (grammar === null) return;
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-meta-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'meta.xml');
    await writeFile(file, text);
    await t.notThrowsAsync(run('xmllint', ['--noout', '--relaxng', grammar, file]));
  });

  test(`${name} has each parameter documented, with the default that it uses`, async (t) => {
    const text = await metaDataOf(t, name);
    const script = readFileSync(join(PROJECT, 'pacemaker/ocf', name), 'utf8');
    const used = [...script.matchAll(/^: "\$\{OCF_RESKEY_([a-z_]+)=/gm)].map(([, key]) => key ?? '');
    const blocks = [...text.matchAll(/<parameter name="([a-z_]+)"([^>]*)>(.*?)<\/parameter>/gs)];
    t.deepEqual(blocks.map(([, key]) => key).sort(), [...used].sort());
    t.true(used.length > 0);
    for (const [, key = '', attributes = '', body = ''] of blocks) {
      t.regex(attributes, /required="[01]"/, key);
      t.regex(attributes, /reloadable="[01]"/, key);
      t.regex(body, /<longdesc lang="en">\s*\S[^<]{20,}<\/longdesc>/, key);
      t.regex(body, /<shortdesc lang="en">[^<]+<\/shortdesc>/, key);
      const [, wanted] = new RegExp(`^OCF_RESKEY_${key}_default=(.*)$`, 'm').exec(script) ?? [];
      const [, told] = /<content [^>]*default="([^"]*)"/.exec(body) ?? [];
      t.is(told ?? '', wanted ?? '', `the default of ${key}`);
    }
  });

  test(`${name} tells of each action that it has, with a time-out`, async (t) => {
    const text = await metaDataOf(t, name);
    const told = [...text.matchAll(/<action name="([a-z_-]+)" timeout="(\d+)s"/g)]
      .map(([, action]) => action ?? '');
    const script = readFileSync(join(PROJECT, 'pacemaker/ocf', name), 'utf8');
    const [, listed = ''] = /^(start \| [a-z_| -]+)\) ;;$/m.exec(script) ?? [];
    const actions = [...listed.split('|').map((word) => word.trim()), 'meta-data'];
    t.deepEqual([...told].sort(), actions.sort());
  });
}

test('shellcheck has nothing to say about the scripts', async (t) => {
  if (await isMissing(t, 'shellcheck', 'shellcheck')) {
    t.pass();
    return;
  }
  const samples = (await readdir(join(PROJECT, 'pacemaker/samples')))
    .filter((name) => name.endsWith('.sh')).map((name) => `pacemaker/samples/${name}`);
  const words = ['-a', '-x', '-P', PROJECT, '-s', 'sh', ...SCRIPTS, ...samples];
  await t.notThrowsAsync(run('shellcheck', words, { cwd: PROJECT }).catch((error: unknown) => {
    throw new Error((error as { stdout?: string }).stdout ?? String(error));
  }));
});
