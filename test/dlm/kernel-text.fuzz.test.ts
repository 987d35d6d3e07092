import test from 'ava';
import { RESOURCE_BYTES_MAX } from '../../src/dlm/constants.js';
import { KERNEL_LOCKS_MAX, parseLocks } from '../../src/dlm/debugfs.js';
import { parseConfig, parseLockspaces } from '../../src/dlm/dlm-tool.js';
import { fuzz } from '../support/fuzz.js';
import { chooseSeed } from '../support/property-seed.js';

/** These parsers are total: nothing is their own error. */
class Never extends Error {}

const LOCKS = Buffer.from([
  'id nodeid remid pid xid exflags flags sts grmode rqmode time_ms r_nodeid r_len r_name',
  '1 0 0 100 0 80 0 2 5 -1 0 0 3 "one"',
  'ff 2 1a 200 0 80 2 3 0 5 12 2 6 "tw\no""',
  '2 3 7 0 0 4 0 1 -1 3 99 0 4 "four"',
  '',
].join('\n'));

const LOCKSPACES = Buffer.from([
  'dlm lockspaces',
  'name          holdfast',
  'id            0x2f2b7b2d',
  'flags         0x00000004 kern_stop',
  'change        member 2 joined 0 remove 1 failed 1 seq 3,3',
  'members       1 2',
  'new change    member 3 joined 1 remove 0 failed 0 seq 4,4',
  'new status    wait fencing',
  'new members   1 2 3',
  'all nodes',
  'nodeid 1 member 1 failed 0 start 1 seq_add 1 seq_rem 0 check none',
  '',
].join('\n'));

const CONFIG = Buffer.from('daemon_debug=0\nenable_fencing=1\n  timewarn = 0  # a note\nfence_all /bin/true\n');

/** The byte of a name may take four characters as \xNN. */
const NAME_CHARACTERS_MAX = RESOURCE_BYTES_MAX * 4;

test('any text as the kernel’s table of locks is read to its end, each name within its bound', (t) => {
  const { decoded, refused } = fuzz(
    { seed: chooseSeed(t), samples: [LOCKS], runs: 3_000 }, parseLocks, Never,
    ({ locks, skipped }, input) => {
      t.true(locks.length + skipped <= input.length + 1 && locks.length <= KERNEL_LOCKS_MAX);
      for (const { lkid, ownerPid, resource } of locks) {
        t.true(Number.isSafeInteger(lkid) && Number.isSafeInteger(ownerPid));
        t.true(resource.length <= NAME_CHARACTERS_MAX);
      }
    });
  t.true(decoded > 0);
  t.is(refused, 0);
});

test('any text as the answer of dlm_tool is read, each number a number', (t) => {
  const seed = chooseSeed(t);
  const read = (input: Buffer) => parseLockspaces(input.toString());
  fuzz({ seed, samples: [LOCKSPACES], runs: 2_000 }, read, Never,
    (lockspaces, input) => {
      t.true(lockspaces.length <= 256);
      for (const { name, members, change } of lockspaces) {
        t.true(name.length <= input.length && members.length <= 256);
        t.true([...members, ...(change?.members ?? [])].every((id) => Number.isSafeInteger(id)));
      }
    });
  fuzz({ seed, samples: [CONFIG], runs: 1_000 }, (input) => parseConfig(input.toString()), Never,
    (settings, input) => t.true(settings.size <= input.length));
});

test('megabytes of what almost fits take no time that grows with their square', (t) => {
  const begunMs = performance.now();
  parseLocks(Buffer.alloc(1 << 20, '1 0 0 1 0 0 0 2 5 -1 0 0 64 "aaaaaaaaaaaa\n'));
  parseLocks(Buffer.alloc(1 << 20, '1 '));
  parseConfig('a'.repeat(1 << 20));
  parseConfig(`a${' '.repeat(1 << 20)}`);
  parseConfig(' '.repeat(1 << 20));
  parseLockspaces(`name ${'name '.repeat(1 << 18)}`);
  parseLockspaces(`name x\nflags ${' ,'.repeat(1 << 19)}`);
  parseLockspaces(`name x\nmembers${' '.repeat(1 << 20)}`);
  t.true(performance.now() - begunMs < 5_000);
});
