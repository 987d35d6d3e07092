import {
  existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../lab/host/command.js';

/** corosync's own test programs; each is one C file of the source package's folder `test`. */
export const PROGRAMS = ['cpgverify', 'cpgbench', 'testcpg', 'testcpg2', 'cpghum'] as const;
export type Program = (typeof PROGRAMS)[number];

const FETCH_TIMEOUT_MS = 120_000;
const BUILD_TIMEOUT_MS = 60_000;
/** Where the package debian-archive-keyring puts them. */
const DEBIAN_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const LIBRARIES = ['-lcpg', '-lqb', '-lz', '-lpthread'];

/**
 * Builds corosync's own test programs from Debian's source package, once per version of it, into
 * a cache in the user's home; nothing of it is ever part of this project.
 *
 * The source list is a temporary one with the deb-src twins of the machine's own Debian archives,
 * so neither its configuration nor its package lists are touched. The archive's signature and
 * checksums are checked by apt. @see apt-get(8), --tar-only; sources.list(5)
 */
export async function buildPrograms(): Promise<Readonly<Record<Program, string>>> {
  const version = await installedVersion();
  const folder = join(cacheRoot(), `corosync-tests-${version.replace(/[^\w.+~-]/g, '_')}`);
  if (!existsSync(folder)) await buildInto(folder);
  return Object.fromEntries(PROGRAMS.map((name) => [name, join(folder, name)])) as
    Record<Program, string>;
}

function cacheRoot(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'holdfast');
}

async function installedVersion(): Promise<string> {
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${source:Version}', 'corosync']);
  return stdout.trim();
}

/** Into a folder beside it first, so that a build that was cut short is never found. */
async function buildInto(folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), 'building-'));
  try {
    const source = await fetchSource(work);
    const made = join(work, 'made');
    mkdirSync(made);
    // The files include it; what it would say does not matter to them.
    writeFileSync(join(work, 'config.h'), '');
    for (const name of PROGRAMS) {
      const file = join(source, 'test', `${name}.c`);
      const include = ['-I', work, '-idirafter', join(source, 'include')];
      const args = ['-O1', '-w', ...include, '-o', join(made, name), file, ...LIBRARIES];
      await run('gcc', args, { timeoutMs: BUILD_TIMEOUT_MS });
    }
    renameSync(made, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The unpacked source of corosync. */
async function fetchSource(work: string): Promise<string> {
  const list = join(work, 'source.list');
  writeFileSync(list, await sourceList());
  const lists = join(work, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  const options = [
    '-o', `Dir::Etc::sourcelist=${list}`, '-o', 'Dir::Etc::sourceparts=/dev/null',
    '-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${join(work, 'cache')}`,
    '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Languages=none',
  ];
  const bounded = { timeoutMs: FETCH_TIMEOUT_MS, cwd: work };
  await run('apt-get', [...options, '-q', 'update'], bounded);
  const fetch = ['-q', 'source', '--download-only', '--tar-only', 'corosync'];
  await run('apt-get', [...options, ...fetch], bounded);
  const archive = readdirSync(work).find((name) => /^corosync_.*\.orig\.tar\.\w+$/.test(name));
  if (archive === undefined) throw new Error(`apt-get brought no source of corosync to ${work}`);
  await run('tar', ['-xf', join(work, archive), '-C', work], bounded);
  const unpacked = readdirSync(work).find((name) => /^corosync-\d/.test(name));
  if (unpacked === undefined) throw new Error(`${archive} holds no folder corosync-*`);
  return join(work, unpacked);
}

/** The deb-src twins of the archives that this machine has corosync from. */
async function sourceList(): Promise<string> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const { stdout } = await run('apt-get', [
    'indextargets', '--format', format, 'Created-By: Packages', 'Origin: Debian', 'Component: main',
  ]);
  const signed = existsSync(DEBIAN_KEYS) ? `[signed-by=${DEBIAN_KEYS}] ` : '';
  const lines = [...new Set(stdout.split('\n').filter((line) => line !== ''))]
    .map((line) => `deb-src ${signed}${line}`);
  if (lines.length === 0) throw new Error('apt knows no archive of Debian; run `apt-get update`');
  return `${lines.join('\n')}\n`;
}
