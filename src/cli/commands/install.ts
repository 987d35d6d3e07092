import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf } from '../../errors.js';
import { printJson, type Job } from '../action.js';
import { EXIT } from '../exit-code.js';
import { carryOut, carryOutRemoval, recordOf } from '../install/carry-out.js';
import { InstallError } from '../install/error.js';
import { listParts } from '../install/parts.js';
import { planInstall, planUninstall, type Step } from '../install/plan.js';
import { readRecord } from '../install/record.js';
import { PACKAGE_FOLDER, readVersion } from '../package-folder.js';
import { printable } from '../text.js';

export interface InstallOptions {
  readonly root: string;
  readonly dryRun?: true;
  readonly program?: string;
  readonly node?: string;
}

const NEXT = [
  'Next, on the installed system: systemd-sysusers; systemd-tmpfiles --create; ' +
    'systemctl daemon-reload.',
  'Under Pacemaker the unit stays disabled: docs/pacemaker.md goes on from here.',
];

/**
 * `holdfast install`: puts agents, units and samples where they belong, below `--root`. May be
 * repeated; a configuration that was changed stays as it is.
 */
export async function install(job: Job, options: InstallOptions): Promise<number> {
  const root = resolve(options.root);
  const program = {
    node: options.node ?? process.execPath,
    folder: options.program ?? PACKAGE_FOLDER,
  };
  const before = await readRecord(root);
  const parts = listParts(program, await listSamples());
  const steps = await planInstall(parts, PACKAGE_FOLDER, root, before);
  const isDone = options.dryRun !== true;
  if (isDone) await carryOut(steps, root, recordOf(steps, before, readVersion()));
  report(job, steps, isDone, NEXT);
  return EXIT.OK;
}

/** `holdfast uninstall`: removes what was installed; what was changed since is named and kept. */
export async function uninstall(job: Job, options: InstallOptions): Promise<number> {
  const root = resolve(options.root);
  const record = await readRecord(root);
  if (record === null) {
    report(job, [], options.dryRun !== true, ['Nothing was installed there by this command.']);
    return EXIT.OK;
  }
  const steps = await planUninstall(record, root);
  const isDone = options.dryRun !== true;
  if (isDone) await carryOutRemoval(steps, root);
  report(job, steps, isDone, ['The state directory /var/lib/holdfast is left alone.']);
  return EXIT.OK;
}

async function listSamples(): Promise<readonly string[]> {
  const folder = join(PACKAGE_FOLDER, 'pacemaker/samples');
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const text = `this package is not complete: ${folder} (${messageOf(error)})`;
    throw new InstallError('INCOMPLETE', text, { cause: error });
  }
}

function report(
  { context, options }: Job,
  steps: readonly Step[],
  isDone: boolean,
  next: readonly string[],
): void {
  const shown = steps.map(({ path, action }) => ({ path, action }));
  if (options.json) {
    printJson(context, { done: isDone, steps: shown });
    return;
  }
  for (const { path, action } of shown) {
    context.stdout.write(`${WORDS[action].padEnd(9)}${printable(path)}${NOTES[action] ?? ''}\n`);
  }
  for (const line of isDone ? next : ['Nothing was changed (--dry-run).']) {
    context.stdout.write(`${line}\n`);
  }
}

const WORDS: Readonly<Record<Step['action'], string>> = {
  create: 'create', replace: 'replace', remove: 'remove', same: 'same', keep: 'keep', beside: 'keep',
};

const NOTES: Readonly<Partial<Record<Step['action'], string>>> = {
  keep: ' (changed by hand)',
  beside: ' (changed by hand; what is new goes beside it as .new)',
};
