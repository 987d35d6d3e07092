import test from 'ava';

import { KernelWatch, type TableSource } from './kernel-watch.js';
import { Witness, type Holding } from './witness.js';

const HEAD = 'id nodeid remid pid xid exflags flags sts grmode rqmode time_ms r_nodeid r_len r_name';
const HOLDING: Holding = { node: 1, owner: 'a', resource: 'disk', mode: 'EX' };
const LOOKS = 5;

/** A line: who has it (0 = this node), what is granted, who is the master (0 = this node). */
function line(id: number, holder: number, granted: number, master: number): string {
  return `${id} ${holder} 0 321 0 80 0 2 ${granted} -1 12 ${master} 4 "disk"`;
}

/** What a witness complains of when a node's table looks so, a few times over. */
async function complaintsAt(witness: Witness, ...lines: readonly string[]): Promise<string[]> {
  let looks = 0;
  let enough: () => void = () => undefined;
  const looked = new Promise<void>((resolve) => (enough = resolve));
  const source: TableSource = {
    read() {
      looks += 1;
      if (looks === LOOKS) enough();
      return Promise.resolve(lines.length === 0 ? '' : `${[HEAD, ...lines].join('\n')}\n`);
    },
    close: () => undefined,
  };
  const watch = new KernelWatch(1, source, witness, 1);
  await looked;
  await watch.stop();
  return witness.violations;
}

test('a holder whose lock the kernel has is no news, wherever its master is', async (t) => {
  for (const master of [0, 2]) {
    const witness = new Witness();
    witness.begin(HOLDING);
    t.deepEqual(await complaintsAt(witness, line(1, master, 5, master)), []);
  }
});

test('a holder whose lock the kernel does not have, or in less, is complained of', async (t) => {
  for (const lines of [[], [line(1, 0, 0, 0)], [line(1, 2, 5, 0)]]) {
    const witness = new Witness();
    witness.begin(HOLDING);
    t.regex((await complaintsAt(witness, ...lines)).join(), /a holds 'disk' in EX, and the kernel/);
  }
});

test('two that exclude each other in the table of the master are complained of', async (t) => {
  const found = await complaintsAt(new Witness(), line(1, 0, 5, 0), line(2, 3, 3, 0));
  t.regex(found[0] ?? '', /granted 'disk' to too many/);
});

test('shared locks, and one that waits in NL, are no news', async (t) => {
  const found = await complaintsAt(new Witness(), line(1, 0, 3, 0), line(2, 3, 3, 0),
    line(3, 2, 0, 0));
  t.deepEqual(found, []);
});
