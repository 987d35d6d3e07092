import { spawnSync } from 'node:child_process';
import test from 'ava';
import { CMAP_INTERFACE } from '../../src/cmap/interface.js';
import { CPG_INTERFACE } from '../../src/cpg/interface.js';
import * as answers from '../../src/dlm/child/answers.js';
import { DLM_INTERFACE, ERRNO_INTERFACE } from '../../src/dlm/interface.js';
import { scalar, struct, type CInterface } from '../../src/native/c-type.js';
import * as corotypes from '../../src/native/corotypes.js';
import { QUORUM_INTERFACE } from '../../src/quorum/interface.js';
import { headerProof } from './support/header-proof.js';

const INTERFACES: readonly CInterface[] = [
  { header: 'corosync/corotypes.h', functions: {}, types: [], constants: corotypes },
  CPG_INTERFACE,
  QUORUM_INTERFACE,
  CMAP_INTERFACE,
  DLM_INTERFACE,
  ERRNO_INTERFACE,
  {
    // What answers.ts reads from the kernel without libdlm.
    header: 'linux/dlm_device.h',
    functions: {},
    types: [],
    constants: {
      DLM_DEVICE_VERSION_MAJOR: answers.DEVICE_VERSION,
      'sizeof(struct dlm_lock_result)': answers.RESULT_BYTES,
      'offsetof(struct dlm_lock_result, version)': 0,
      'offsetof(struct dlm_lock_result, length)': answers.LENGTH_WORD * 4,
      'offsetof(struct dlm_lock_result, user_astaddr)': answers.TOKEN_WORD * 4,
      'offsetof(struct dlm_lock_result, user_astparam)': answers.PARAMETER_WORD * 4,
      'offsetof(struct dlm_lock_result, lksb.sb_status)': answers.STATUS_WORD * 4,
      'offsetof(struct dlm_lock_result, lksb.sb_flags)': answers.STATUS_FLAGS_BYTE,
      'offsetof(struct dlm_lock_result, bast_mode)': answers.BLOCKED_MODE_BYTE,
      'offsetof(struct dlm_lock_result, lvb_offset)': answers.VALUE_OFFSET_WORD * 4,
    },
  },
];

/** The headers are the same files on all machines; what they come to is the compiler's word. */
const COMPILERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'this machine': ['gcc'],
  arm64: ['aarch64-linux-gnu-gcc', '-idirafter', '/usr/include'],
};

for (const one of INTERFACES) {
  for (const [machine, compiler] of Object.entries(COMPILERS)) {
    test(`what we declare is what ${one.header} says on ${machine}`, (t) => {
      const proof = headerProof(one);
      t.true(proof.split('_Static_assert').length > 10);
      t.is(compile(proof, compiler), '');
    });
  }
}

test('a wrong constant is caught', (t) => {
  const said = compile(headerProof({
    ...CPG_INTERFACE, constants: { ...CPG_INTERFACE.constants, CPG_TYPE_AGREED: 3 },
  }));
  t.regex(said, /CPG_TYPE_AGREED == 3/);
});

test('a wrong field is caught: its order, its type, its absence', (t) => {
  const [u32, u64] = [scalar('uint32_t'), scalar('uint64_t')];
  const saidOf = (fields: Parameters<typeof struct>[1]): string => compile(headerProof({
    ...CPG_INTERFACE, types: [struct('struct cpg_ring_id', fields)],
  }));
  t.is(saidOf({ nodeid: u32, seq: u64 }), '');
  t.regex(saidOf({ seq: u64, nodeid: u32 }), /offsetof\(struct cpg_ring_id, nodeid\) == 8/);
  t.regex(saidOf({ nodeid: scalar('int32_t'), seq: u64 }), /types_compatible_p.*int32_t/);
  t.regex(saidOf({ nodeid: u32 }), /sizeof\(struct cpg_ring_id\) == 4/);
  t.regex(saidOf({ node: u32, seq: u64 }), /no member named .node/);
});

test('a wrong signature is caught', (t) => {
  const { cpg_join: join } = CPG_INTERFACE.functions;
  if (join === undefined) return t.fail('cpg_join is not declared');
  const saidOf = (params: typeof join.params): string => compile(headerProof({
    ...CPG_INTERFACE, functions: { cpg_join: { ...join, params } },
  }));
  t.is(saidOf(join.params), '');
  t.regex(saidOf(join.params.slice(0, 1)), /types_compatible_p\(__typeof__\(cpg_join\)/);
  t.regex(saidOf([scalar('int'), ...join.params.slice(1)]), /__typeof__\(cpg_join\)/);
});

test('a koffi type of another size or sign than the C type is caught', (t) => {
  const saidOf = (koffiName: string): string => compile(headerProof({
    ...CPG_INTERFACE, types: [struct('struct cpg_ring_id', {
      nodeid: scalar('uint32_t', koffiName), seq: scalar('uint64_t'),
    })],
  }));
  t.is(saidOf('uint32_t'), '');
  t.regex(saidOf('uint16_t'), /sizeof\(uint32_t\) == 2/);
  t.regex(saidOf('int32_t'), /\(\(uint32_t\)-1 > \(uint32_t\)0\) == 0/);
});

/** What the compiler has to say against the program; nothing if it compiles. */
function compile(source: string, compiler: readonly [string, ...string[]] = ['gcc']): string {
  const [program, ...words] = compiler;
  const { error, stderr } = spawnSync(
    program, [...words, '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-x', 'c', '-'],
    { input: source, encoding: 'utf8' },
  );
  if (error !== undefined) throw error;
  return stderr;
}
