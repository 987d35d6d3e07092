import test from 'ava';
import fc from 'fast-check';
import { parseReplyWaits, parseResources } from '../../src/dlm/resource-table.js';
import { textOf } from '../conformance/lock-manager/fixture.js';

/** As printed by Linux 6.1.192 (Debian's 6.1.0-56-amd64), on the master of all three. */
const LINUX_6_1 = `version rsb 1.1 lvb 1.1 lkb 1.1
rsb 000000005b3eae1e 0 0 0 0 0 0 2 str cv
lkb 7 0 0 349 0 0 1 2 3 -1 5 0 0 0 171423697893 171574682247
lkb 6 0 0 349 0 4 1 3 3 5 0 0 0 0 171574589107 0
rsb 000000007c3a780b 0 0 2 0 0 0 4 str keep
lvb 7 32 61 67 61 69 6e 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
lkb 3 3 1 220 0 0 10001 2 0 -1 0 0 0 0 93033510764 0
lkb 2 2 1 214 0 0 10001 2 0 -1 0 0 0 0 87486699427 0
lkb 1 0 0 219 0 0 1 2 0 -1 0 0 0 0 82603500503 0
rsb 00000000422fa2de 0 0 0 0 0 0 2 str dd
lvb 1 32 76 61 6c 75 65 62 6c 6f 63 6b 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
lkb 4 0 0 349 0 c 1 2 5 -1 3 0 0 1 170814568331 171119748716
lkb 5 0 0 349 0 0 1 1 -1 3 0 0 0 0 171119593263 0
`;
/** As printed by Linux 6.12.95 (Debian's 6.12.95+deb12-amd64), on the master and elsewhere. */
const LINUX_6_12 = `rsb ptr nodeid first_lkid flags !root_list_empty !recover_list_empty recover_locks_count len
rsb 00000000bef8eb28 0 0 200 0 0 0 2 str dd
lvb 1 32 76 61 6c 75 65 62 6c 6f 63 6b 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
lkb 4 0 0 382 0 c 0 2 5 -1 3 0 0 1 327841313568 328142072853
lkb 5 0 0 382 0 0 0 1 -1 3 -1 0 0 0 328142056619 0
rsb 00000000874a124a 0 0 202 0 0 0 4 str keep
lvb 7 32 61 67 61 69 6e 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
lkb 3 3 1 284 0 0 10000 2 0 -1 -1 0 0 0 291551676368 0
lkb 2 2 1 310 0 0 10000 2 0 -1 -1 0 0 0 287102493078 0
lkb 1 0 0 344 0 0 0 2 0 -1 -1 0 0 0 282716643610 0
`;
const NOT_MASTER = `rsb ptr nodeid first_lkid flags !root_list_empty !recover_list_empty recover_locks_count len
rsb 00000000aafa51bc 1 0 200 0 0 0 4 str keep
lkb 1 1 2 310 0 0 0 2 0 -1 -1 0 0 0 286907319744 0
`;

function outline(text: string): readonly string[] {
  const { resources, skipped } = parseResources(Buffer.from(text));
  const lines = resources.map(({ name, masterNodeId, value, granted, converting, waiting }) => {
    const show = (locks: typeof granted): string => locks.map((lock) =>
      `${lock.lkid}@${lock.nodeId ?? 'here'} ${lock.granted ?? '-'}>${lock.requested ?? '-'}`).join();
    return `${name} by ${masterNodeId ?? 'us'}: ${show(granted)} | ${show(converting)} | `
      + `${show(waiting)} | ${textOf(value)}`;
  });
  return skipped === 0 ? lines : [...lines, `${skipped} skipped`];
}

const KEEP = 'keep by us: 3@3 NL>-,2@2 NL>-,1@here NL>- |  |  | again invalid';
const VALUE = 'dd by us: 4@here EX>- |  | 5@here ->PR | valueblock valid';

test('the tables of Linux 6.1 and 6.12 give queues, holders, waiters and value blocks', (t) => {
  t.deepEqual(outline(LINUX_6_1), [
    'cv by us: 7@here PR>- | 6@here PR>EX |  | nothing', KEEP, VALUE,
  ]);
  t.deepEqual(outline(LINUX_6_12), [VALUE, KEEP]);
});

test('a node that is not master lists its own locks and who is', (t) => {
  t.deepEqual(outline(NOT_MASTER), ['keep by 1: 1@here NL>- |  |  | nothing']);
});

test('a name in hex is read as its bytes', (t) => {
  const named = (form: string) => `rsb 00000000aafa51bc 0 0 0 0 0 0 2 ${form}\n`;
  t.deepEqual(outline(named('hex c3 bc')), ['ü by us:  |  |  | nothing']);
  t.deepEqual(outline(named('hex 61ff')), ['a\\xff by us:  |  |  | nothing']);
  t.deepEqual(outline(named('hex 6')), ['1 skipped']);
});

test('what belongs to no resource, or to no queue, is counted and left out', (t) => {
  const lock = 'lkb 1 0 0 1 0 0 0 2 0 -1 0 0 0 0 1 1\n';
  t.deepEqual(outline(lock), ['1 skipped']);
  t.deepEqual(outline(`rsb 00 0 0 0 0 0 0 1 str a\n${lock.replace(' 2 0 -1', ' 9 0 -1')}lvb 1 2 0\n`),
    ['a by us:  |  |  | nothing', '2 skipped']);
});

test('messages without an answer name lock, node, resource and what was asked', (t) => {
  const { waits, skipped } = parseReplyWaits(Buffer.from('2b 1 3 vm a\n1 11 2 b\n7 99 1 c\nno\n'));
  t.deepEqual(waits.map(({ lkid, awaited, nodeId, resource }) => [lkid, awaited, nodeId, resource]),
    [[0x2b, 'request', 3, 'vm a'], [1, 'lookup', 2, 'b'], [7, 'unknown', 1, 'c']]);
  t.is(skipped, 1);
});

test('whatever the file holds, reading it does not throw and finds nothing that is not there', (t) => {
  const line = fc.oneof(
    fc.constantFrom(...`${LINUX_6_1}${LINUX_6_12}${NOT_MASTER}`.split('\n')),
    fc.string({ maxLength: 80 }),
    fc.constantFrom('rsb', 'lkb 1', 'lvb', 'rsb 0 0 0 0 0 0 0 2 hex zz', 'lkb g 0 0 0 0 0 0 0 0 0 0'),
  );
  fc.assert(fc.property(fc.array(line, { maxLength: 30 }), fc.nat(40), (lines, cut) => {
    const text = lines.join('\n');
    const file = Buffer.from(text.slice(0, text.length - Math.min(cut, text.length)));
    const { resources, skipped } = parseResources(file);
    const { waits } = parseReplyWaits(file);
    return resources.length + skipped <= lines.length + 1 && waits.length <= lines.length + 1;
  }));
  t.pass();
});
