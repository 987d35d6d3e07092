import { join } from 'node:path';

/** Where what is installed finds the program. */
export interface Program {
  /** The Node.js to run it with, as the installed system has it. */
  readonly node: string;
  /** The folder of this package, as the installed system has it. */
  readonly folder: string;
}

/** One file that belongs somewhere in the system. */
export interface Part {
  /** Absolute, in the installed system. */
  readonly path: string;
  readonly mode: number;
  /** A `config` file is the operator's once it is changed: it is never overwritten or removed. */
  readonly kind: 'program' | 'config';
  readonly content: { readonly from: string } | { readonly text: string };
  /** What is written into it where the source has that text; for paths of the program. */
  readonly replace: readonly (readonly [text: string, by: string])[];
}

/** What the unit says of where the program is. */
const UNIT_PROGRAM = '/usr/bin/node /usr/lib/holdfast/build/bundle/main.js';

const RESOURCES = '/usr/lib/ocf/resource.d/holdfast';
const SAMPLES = '/usr/share/doc/holdfast/samples';

/** Everything that the package brings beside the program itself, in the order of its paths. */
export function listParts(program: Program, samples: readonly string[]): readonly Part[] {
  const { node, folder } = program;
  const run = (module: string): string => `${node} ${join(folder, 'build/bundle', module)}`;
  const unit = file('/usr/lib/systemd/system/holdfastd.service', 'systemd/holdfastd.service');
  const parts = [
    file('/etc/holdfast/holdfast.toml', 'corosync/holdfast.toml', 0o644, 'config'),
    script('/usr/bin/holdfast', run('cli/main.js')),
    script('/usr/sbin/holdfastd', run('main.js')),
    file(`${RESOURCES}/coordinator`, 'pacemaker/ocf/coordinator', 0o755),
    file(`${RESOURCES}/lock`, 'pacemaker/ocf/lock', 0o755),
    file('/usr/lib/ocf/lib/holdfast/holdfast-agent.sh', 'pacemaker/ocf/lib/holdfast-agent.sh'),
    file('/usr/libexec/holdfast/fencing-alert', 'pacemaker/alert/fencing-alert', 0o755),
    file('/usr/libexec/holdfast/fail-resource', 'pacemaker/reaction/fail-resource', 0o755),
    { ...unit, replace: [[UNIT_PROGRAM, run('main.js')] as const] },
    file('/usr/lib/sysusers.d/holdfast.conf', 'systemd/sysusers.d/holdfast.conf'),
    file('/usr/lib/tmpfiles.d/holdfast.conf', 'systemd/tmpfiles.d/holdfast.conf'),
    file(`${SAMPLES}/corosync.conf`, 'corosync/corosync.conf'),
    file(`${SAMPLES}/dlm.conf`, 'corosync/dlm.conf'),
    file(`${SAMPLES}/uidgid.d/holdfast`, 'corosync/uidgid.d/holdfast'),
    ...samples.map((name) => file(`${SAMPLES}/pacemaker/${name}`, `pacemaker/samples/${name}`)),
  ];
  return parts.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** The folders that go with the last file in them; all others belong to somebody else. */
export const OWN_FOLDERS: readonly string[] = [
  `${SAMPLES}/uidgid.d`, `${SAMPLES}/pacemaker`, SAMPLES, '/usr/share/doc/holdfast',
  '/usr/share/holdfast', '/usr/libexec/holdfast', '/usr/lib/ocf/lib/holdfast', RESOURCES,
  '/etc/holdfast',
];

function file(path: string, from: string, mode = 0o644, kind: Part['kind'] = 'program'): Part {
  return { path, mode, kind, content: { from }, replace: [] };
}

/** Not a link: Node.js is named in it, and a module need not be executable. */
function script(path: string, command: string): Part {
  const text = `#!/bin/sh\nexec ${command} "$@"\n`;
  return { path, mode: 0o755, kind: 'program', content: { text }, replace: [] };
}
