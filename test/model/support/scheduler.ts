import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const BOUND_MS = 30_000;

/** What a node has done with a resource: the action, and the exit code of its agent. */
export interface Done {
  readonly action: 'start' | 'stop' | 'monitor' | 'migrate_to' | 'migrate_from';
  readonly exitCode: number;
}

/** A lock and what runs under it, as Pacemaker knows them, on two of three nodes. */
export interface Situation {
  readonly migratable: { readonly lock: boolean; readonly vm: boolean };
  /** In their order; migrations go from n1 to n2. */
  readonly done: Readonly<Record<'lock' | 'vm', Readonly<Record<'n1' | 'n2', readonly Done[]>>>>;
  /** Lost, and to be fenced. */
  readonly lost: 'n1' | 'n2' | null;
}

/**
 * What Pacemaker's scheduler wants done next: pairs of which the first comes before the second.
 * Only what is really carried out: no pseudo actions, and none that it calls not runnable.
 */
export class Plan {
  readonly actions: ReadonlySet<string>;
  readonly #after = new Map<string, Set<string>>();

  constructor(dot: string) {
    const actions = new Set<string>();
    for (const [, name = '', style = ''] of dot.matchAll(/^"([^"]+)" \[ (style=.*)\]$/gm)) {
      // Real actions are green and black; pseudo actions are orange, others are dashed.
      if (style.includes('style=bold') && style.includes('fontcolor="black"')) actions.add(name);
    }
    this.actions = actions;
    for (const [, one = '', other = '', style = ''] of
      dot.matchAll(/^"([^"]+)" -> "([^"]+)" \[ style = (\w+)\]$/gm)) {
      if (style !== 'bold') continue;
      const next = this.#after.get(one) ?? new Set();
      this.#after.set(one, next.add(other));
    }
  }

  /** Whether the first is carried out, and done before the second begins. */
  isBefore(one: string, other: string): boolean {
    if (!this.actions.has(one) || !this.actions.has(other)) return false;
    const seen = new Set<string>();
    const open = [one];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      for (const next of this.#after.get(name) ?? []) {
        if (next === other) return true;
        if (!seen.has(next)) open.push(next);
        seen.add(next);
      }
    }
    return false;
  }
}

/** With the vm unwanted on n1. */
export function planFor(situation: Situation): Promise<Plan> {
  return simulate(cibOf(situation));
}

/** Asks `crm_simulate`, of the package pacemaker-cli-utils, what that cluster does next. */
export async function simulate(xml: string): Promise<Plan> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cib-'));
  try {
    const [cib, dot] = [join(folder, 'cib.xml'), join(folder, 'plan.dot')];
    await writeFile(cib, xml);
    await promisify(execFile)('crm_simulate',
      ['--xml-file', cib, '--run', '--save-dotfile', dot], { timeout: BOUND_MS });
    return new Plan(await readFile(dot, 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function cibOf({ migratable, done, lost }: Situation): string {
  const resources = (['lock', 'vm'] as const).map((id) => `
    <primitive id="${id}" class="ocf" provider="pacemaker" type="Dummy">
      <meta_attributes id="${id}-meta">
        <nvpair id="${id}-migrate" name="allow-migrate" value="${migratable[id]}"/>
      </meta_attributes>
    </primitive>`).join('');
  const states = (['n1', 'n2', 'n3'] as const).map((node, index) => {
    const life = node === lost ? 'in_ccm="false" crmd="offline" join="down"'
      : 'in_ccm="true" crmd="online" join="member"';
    const histories = node === 'n3' ? '' : (['lock', 'vm'] as const).map((id) => `
      ${history(id, node, done[id][node])}`).join('');
    return `
    <node_state id="${index + 1}" uname="${node}" ${life} expected="member">
      <lrm id="${index + 1}"><lrm_resources>${histories}</lrm_resources></lrm>
    </node_state>`;
  }).join('');
  return `
<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.7" epoch="1" num_updates="0"
  admin_epoch="0" have-quorum="1" dc-uuid="3">
  <configuration>
    <crm_config>
      <cluster_property_set id="p">
        <nvpair id="p-fencing" name="stonith-enabled" value="true"/>
      </cluster_property_set>
    </crm_config>
    <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>
    <resources>${resources}
      <primitive id="fencing" class="stonith" type="fence_any"/>
    </resources>
    <constraints>
      <rsc_order id="o" first="lock" then="vm" kind="Mandatory"/>
      <rsc_colocation id="c" rsc="vm" with-rsc="lock" score="INFINITY"/>
      <rsc_location id="l" rsc="vm" node="n1" score="-1000"/>
    </constraints>
  </configuration>
  <status>${states}</status>
</cib>`;
}

/** What that node has done with the resource, in its order. */
export function history(id: string, node: string, done: readonly Done[]): string {
  return `<lrm_resource id="${id}" class="ocf" provider="pacemaker" type="Dummy">
    ${done.map((one, call) => operation(id, node, one, call)).join('')}
  </lrm_resource>`;
}

function operation(id: string, node: string, { action, exitCode }: Done, call: number): string {
  const expected = action === 'monitor' ? 7 : 0;
  const status = exitCode === expected ? 0 : 4;
  const transition = `${call}:${call}:${expected}:12345678-1234-1234-1234-123456789012`;
  const way = action.startsWith('migrate') ? 'migrate_source="n1" migrate_target="n2"' : '';
  return `<lrm_rsc_op id="${node}-${id}-${action}" operation_key="${id}_${action}_0"
    operation="${action}" crm_feature_set="3.16.2" transition-key="${transition}"
    transition-magic="${status}:${exitCode};${transition}" on_node="${node}" call-id="${call + 1}"
    rc-code="${exitCode}" op-status="${status}" interval="0" last-rc-change="${1_700_000_000 + call}"
    exec-time="1" queue-time="0" ${way}/>`;
}
