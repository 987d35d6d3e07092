import type { T } from './context.js';
import type { PacemakerNode } from './scene.js';

const AGENTS = '/usr/lib/ocf/resource.d/holdfast';
const TESTER = '/usr/sbin/ocf-tester';
const PATIENT_TESTER = '/var/tmp/ocf-tester';
const TESTER_MS = 900_000;
/** Its own meta-data, of version 1.0, with a DTD; what the agents follow is version 1.1. */
const OLD_DTD = /^\* rc=\d+: Your agent produces meta-data which does not conform to ra-api-1/;

/**
 * Runs ocf-tester of resource-agents on that node. It gives an action 20 s, as if it were on a
 * machine; under emulation it gives 120 here, and is as it was otherwise.
 */
export async function runOcfTester(
  t: T, { guest }: PacemakerNode, agent: string, options: readonly string[],
): Promise<void> {
  await guest.exec(
    `sed 's/meta_timeout=20000/meta_timeout=120000/' ${TESTER} >${PATIENT_TESTER}`);
  const { stdout, stderr } = await guest.attempt(
    `sh ${PATIENT_TESTER} -n ocf-tester ${options.join(' ')} ${AGENTS}/${agent} 2>&1`,
    { timeoutMs: TESTER_MS });
  const said = `${stdout}${stderr}`;
  const complaints = said.split('\n').filter((line) => /^\* rc=|^Aborting|partially/.test(line));
  t.deepEqual(complaints.filter((line) => !OLD_DTD.test(line)), [], said);
  t.regex(said, /passed all tests|failed 1 tests$/m, said);
}
