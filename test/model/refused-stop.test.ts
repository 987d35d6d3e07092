import test from 'ava';
import { history, simulate, type Done, type Plan } from './support/scheduler.js';

/**
 * A node goes into standby, and its coordinator's stop is refused. dlm_controld's stop would never
 * end then, and the node be fenced for it. Judged by `crm_simulate`, of the real Pacemaker.
 */
const STARTED: readonly Done[] = [{ action: 'start', exitCode: 0 }];
const REFUSED: readonly Done[] = [...STARTED, { action: 'stop', exitCode: 1 }];

const DLM = '<primitive id="dlm" class="ocf" provider="pacemaker" type="Dummy"/>';
const HOLDFAST = `
  <primitive id="holdfast" class="ocf" provider="pacemaker" type="Dummy">
    <operations><op id="stop" name="stop" interval="0" timeout="120s" on-fail="block"/></operations>
  </primitive>`;

function clone(id: string, what: string): string {
  return `<clone id="${id}">
    <meta_attributes id="${id}-m"><nvpair id="${id}-i" name="interleave" value="true"/></meta_attributes>
    ${what}
  </clone>`;
}

const GROUP = clone('locking-clone', `<group id="locking">${DLM}${HOLDFAST}</group>`);
const CLONES = clone('dlm-clone', DLM) + clone('holdfast-clone', HOLDFAST);
const ORDER = `
  <rsc_order id="o" first="dlm-clone" then="holdfast-clone" kind="Mandatory"/>
  <rsc_colocation id="c" rsc="holdfast-clone" with-rsc="dlm-clone" score="INFINITY"/>`;

function plan(resources: string, constraints: string, onN1: readonly Done[]): Promise<Plan> {
  const nodes = ['n1', 'n2', 'n3'].map((name, index) => `
    <node id="${index + 1}" uname="${name}"><instance_attributes id="${name}-a">
      <nvpair id="${name}-s" name="standby" value="${name === 'n1' ? 'on' : 'off'}"/>
    </instance_attributes></node>`).join('');
  const states = ['n1', 'n2', 'n3'].map((name, index) => `
    <node_state id="${index + 1}" uname="${name}" in_ccm="true" crmd="online" join="member"
      expected="member"><lrm id="${index + 1}"><lrm_resources>
      ${history('dlm', name, STARTED)}${history('holdfast', name, name === 'n1' ? onN1 : STARTED)}
    </lrm_resources></lrm></node_state>`).join('');
  return simulate(`
<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.7" epoch="1" num_updates="0"
  admin_epoch="0" have-quorum="1" dc-uuid="3">
  <configuration>
    <crm_config><cluster_property_set id="p">
      <nvpair id="p-fencing" name="stonith-enabled" value="true"/>
    </cluster_property_set></crm_config>
    <nodes>${nodes}</nodes>
    <resources>${resources}<primitive id="fencing" class="stonith" type="fence_any"/></resources>
    <constraints>${constraints}</constraints>
  </configuration>
  <status>${states}</status>
</cib>`);
}

test('in one cloned group, as in the samples, dlm_controld stays while the stop is refused', async (t) => {
  const { actions } = await plan(GROUP, '', REFUSED);
  t.deepEqual([...actions].filter((name) => /^(dlm|holdfast)_\w+ n1$/.test(name)), []);
});

test('in its group the coordinator is stopped before dlm_controld', async (t) => {
  const found = await plan(GROUP, '', STARTED);
  t.true(found.isBefore('holdfast_stop_0 n1', 'dlm_stop_0 n1'));
});

test('between two clones an order does not hold then, which is why there is a group', async (t) => {
  const { actions } = await plan(CLONES, ORDER, REFUSED);
  t.true(actions.has('dlm_stop_0 n1'));
});
