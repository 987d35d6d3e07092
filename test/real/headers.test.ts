import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as cpg from '../../src/cpg/constants.js';
import { loadCpgLibrary } from '../../src/cpg/native.js';
import * as quorum from '../../src/quorum/constants.js';
import { loadQuorumLibrary } from '../../src/quorum/native.js';

/** C's own words for the types that native.ts declares. */
const C_TYPES: Readonly<Record<string, string>> = {
  cpg_address: 'struct cpg_address',
  cpg_name: 'struct cpg_name',
  cpg_ring_id: 'struct cpg_ring_id',
  cpg_model_v1_data_t: 'cpg_model_v1_data_t',
  iovec: 'struct iovec',
  quorum_ring_id: 'struct quorum_ring_id',
  quorum_model_v1_data_t: 'quorum_model_v1_data_t',
};

test('sizes, offsets and constants are those of the installed headers', async (t) => {
  if (spawnSync('gcc', ['-E', '-'], { input: '#include <corosync/cpg.h>' }).status !== 0) {
    t.pass('neither gcc nor the headers are here: install gcc, libcpg-dev and libquorum-dev');
    return;
  }
  const ours = new Map<string, number>();
  const libraries = [await loadCpgLibrary(), await loadQuorumLibrary()];
  for (const [name, type] of libraries.flatMap(({ types }) => Object.entries(types))) {
    const cType = C_TYPES[name];
    if (cType === undefined) continue;
    ours.set(`sizeof(${cType})`, type.size);
    for (const member of Object.values(type.members ?? {})) {
      ours.set(`offsetof(${cType}, ${member.name})`, member.offset);
      ours.set(`sizeof(((${cType} *)0)->${member.name})`, member.type.size);
    }
  }
  for (const [name, value] of [...Object.entries(cpg), ...Object.entries(quorum)]) {
    ours.set(name, value);
  }
  t.true(ours.size > 60);
  t.deepEqual(new Map(askCompiler([...ours.keys()])), ours);
});

/** What the C compiler makes of these expressions. */
function askCompiler(expressions: readonly string[]): [string, number][] {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-headers-'));
  try {
    const prints = expressions.map((text) => `printf("%ld\\n", (long)(${text}));`);
    const includes = ['stdio.h', 'stddef.h', 'sys/uio.h', 'corosync/cpg.h', 'corosync/quorum.h'];
    const source = join(folder, 'ask.c');
    const program = join(folder, 'ask');
    const heads = includes.map((name) => `#include <${name}>`);
    writeFileSync(source, [...heads, 'int main(void) {', ...prints, 'return 0; }'].join('\n'));
    execFileSync('gcc', ['-o', program, source]);
    const values = execFileSync(program, { encoding: 'utf8' }).trim().split('\n').map(Number);
    return expressions.map((text, index) => [text, values[index] ?? Number.NaN]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
