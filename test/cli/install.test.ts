import {
  appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryDirectory } from '../control/fixture.js';
import { cli } from './fixture.js';

const CONFIG = '/etc/holdfast/holdfast.toml';
const UNIT = '/usr/lib/systemd/system/holdfastd.service';
const RECORD = '/usr/share/holdfast/installed.json';
const PLACE = ['--program', '/opt/hf', '--node', '/opt/node'];

interface Done {
  readonly exitCode: number;
  readonly stderr: string;
  /** What was done about each path. */
  readonly actions: ReadonlyMap<string, string>;
}

async function act(command: string, root: string, ...words: readonly string[]): Promise<Done> {
  const run = await cli('/nowhere', '--json', command, '--root', root, ...words);
  const { steps = [] } = JSON.parse(run.stdout) as { steps?: { path: string; action: string }[] };
  return { ...run, actions: new Map(steps.map(({ path, action }) => [path, action])) };
}

const install = (root: string, ...words: readonly string[]) => act('install', root, ...PLACE, ...words);

async function filesBelow(root: string): Promise<readonly string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found.filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length)).sort();
}

async function installed(t: ExecutionContext): Promise<string> {
  const root = await temporaryDirectory(t);
  t.is((await install(root)).exitCode, 0);
  return root;
}

test('everything is put where it belongs, with the rights that it needs', async (t) => {
  const root = await installed(t);
  for (const [path, mode] of [
    ['/usr/lib/ocf/resource.d/holdfast/coordinator', 0o755],
    ['/usr/lib/ocf/resource.d/holdfast/lock', 0o755],
    ['/usr/lib/ocf/lib/holdfast/holdfast-agent.sh', 0o644],
    ['/usr/libexec/holdfast/fencing-alert', 0o755], ['/usr/libexec/holdfast/fail-resource', 0o755],
    ['/usr/lib/sysusers.d/holdfast.conf', 0o644], ['/usr/lib/tmpfiles.d/holdfast.conf', 0o644],
    ['/usr/share/doc/holdfast/samples/pacemaker/holdfast.crm', 0o644], [CONFIG, 0o644],
    ['/usr/bin/holdfast', 0o755], ['/usr/sbin/holdfastd', 0o755], [UNIT, 0o644],
  ] as const) {
    t.is(statSync(join(root, path)).mode & 0o7777, mode, path);
  }
  t.regex(readFileSync(join(root, UNIT), 'utf8'), /^ExecStart=\/opt\/node \/opt\/hf\/build\/bundle\/main\.js$/m);
  t.is(readFileSync(join(root, '/usr/bin/holdfast'), 'utf8'),
    '#!/bin/sh\nexec /opt/node /opt/hf/build/bundle/cli/main.js "$@"\n');
});

test('a dry run tells all and changes nothing', async (t) => {
  const root = await temporaryDirectory(t);
  const { actions } = await install(root, '--dry-run');
  t.is(actions.get(UNIT), 'create');
  t.deepEqual(await filesBelow(root), []);
});

test('a second time nothing is left to do', async (t) => {
  const root = await installed(t);
  const before = await filesBelow(root);
  const { actions } = await install(root);
  t.deepEqual([...new Set(actions.values())], ['same']);
  t.deepEqual(await filesBelow(root), before);
});

test('a program that is not as it should be is put right', async (t) => {
  const root = await installed(t);
  const lock = '/usr/lib/ocf/resource.d/holdfast/lock';
  appendFileSync(join(root, lock), '# damage');
  chmodSync(join(root, UNIT), 0o600);
  const { actions } = await install(root);
  t.deepEqual([...actions].filter(([, action]) => action !== 'same'),
    [[lock, 'replace'], [UNIT, 'replace']]);
  t.false(readFileSync(join(root, lock), 'utf8').includes('# damage'));
  t.is(statSync(join(root, UNIT)).mode & 0o7777, 0o644);
});

test('a configuration that was changed stays, through installation and removal', async (t) => {
  const root = await installed(t);
  appendFileSync(join(root, CONFIG), 'group = "mine"\n');
  t.is((await install(root)).actions.get(CONFIG), 'keep');
  const { actions } = await act('uninstall', root);
  t.is(actions.get(CONFIG), 'keep');
  t.deepEqual(await filesBelow(root), [CONFIG]);
  t.regex(readFileSync(join(root, CONFIG), 'utf8'), /group = "mine"/);
});

test('a configuration that was there before gets the new one beside it, once', async (t) => {
  const root = await temporaryDirectory(t);
  mkdirSync(dirname(join(root, CONFIG)), { recursive: true });
  writeFileSync(join(root, CONFIG), 'group = "mine"\n');
  t.is((await install(root)).actions.get(CONFIG), 'beside');
  t.is(readFileSync(join(root, CONFIG), 'utf8'), 'group = "mine"\n');
  t.true(existsSync(join(root, `${CONFIG}.new`)));
  t.is((await install(root)).actions.get(CONFIG), 'keep');
  await act('uninstall', root);
  t.deepEqual(await filesBelow(root), [CONFIG]);
});

test('a removal takes away all that was installed and leaves no folder of ours', async (t) => {
  const root = await installed(t);
  const dry = await act('uninstall', root, '--dry-run');
  t.deepEqual([...new Set(dry.actions.values())], ['remove']);
  t.true(existsSync(join(root, UNIT)));
  await act('uninstall', root);
  t.deepEqual(await filesBelow(root), []);
  for (const folder of ['/etc/holdfast', '/usr/share/holdfast', '/usr/lib/ocf/resource.d/holdfast']) {
    t.false(existsSync(join(root, folder)), folder);
  }
  t.is((await act('uninstall', root)).actions.size, 0);
});

test('what an earlier version brought and this one does not is removed', async (t) => {
  const root = await installed(t);
  const record = JSON.parse(readFileSync(join(root, RECORD), 'utf8')) as { files: Record<string, string> };
  const hash = record.files['/usr/lib/tmpfiles.d/holdfast.conf'] ?? '';
  record.files['/usr/libexec/holdfast/old'] = hash;
  writeFileSync(join(root, RECORD), JSON.stringify(record));
  writeFileSync(join(root, '/usr/libexec/holdfast/old'),
    readFileSync(join(root, '/usr/lib/tmpfiles.d/holdfast.conf')));
  t.is((await install(root)).actions.get('/usr/libexec/holdfast/old'), 'remove');
  t.false(existsSync(join(root, '/usr/libexec/holdfast/old')));
});

test('a link in the place of a program is replaced, not written through', async (t) => {
  const root = await installed(t);
  const precious = join(root, 'precious');
  writeFileSync(precious, 'precious');
  const path = join(root, '/usr/bin/holdfast');
  rmSync(path);
  symlinkSync(precious, path);
  t.is((await install(root)).actions.get('/usr/bin/holdfast'), 'replace');
  t.is(readFileSync(precious, 'utf8'), 'precious');
  t.false(statSync(path).isSymbolicLink());
});

test('a note that cannot be read stops everything before it begins', async (t) => {
  const root = await installed(t);
  writeFileSync(join(root, RECORD), '{');
  const run = await install(root);
  t.is(run.exitCode, 7);
  const removal = await cli('/nowhere', 'uninstall', '--root', root);
  t.is(removal.exitCode, 7);
  t.regex(removal.stderr, /json is not what an installation wrote; put it right, or remove/);
});

test('a place that cannot be written is named', async (t) => {
  const root = await temporaryDirectory(t);
  writeFileSync(join(root, 'usr'), 'a file where a folder should be');
  const run = await cli('/nowhere', 'install', '--root', root, ...PLACE);
  t.is(run.exitCode, 7);
  t.regex(run.stderr, /cannot read .*usr\/share\/holdfast\/installed\.json.*not a directory/);
  const open = await temporaryDirectory(t);
  mkdirSync(join(open, 'usr/bin/holdfast'), { recursive: true });
  const taken = await cli('/nowhere', 'install', '--root', open, ...PLACE);
  t.is(taken.exitCode, 7);
  t.regex(taken.stderr, /cannot write .*usr\/bin\/holdfast: /);
});

test('in words each path has a line, and the end says what comes next', async (t) => {
  const root = await temporaryDirectory(t);
  const dry = await cli('/nowhere', 'install', '--root', root, ...PLACE, '--dry-run');
  t.regex(dry.stdout, /^create {3}\/etc\/holdfast\/holdfast\.toml$/m);
  t.regex(dry.stdout, /Nothing was changed \(--dry-run\)\.\n$/);
  const done = await cli('/nowhere', 'install', '--root', root, ...PLACE);
  t.regex(done.stdout, /systemd-tmpfiles --create; systemctl daemon-reload/);
});
