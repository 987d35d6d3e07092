/**
 * The kernel's own word on the locks of a lockspace, read without the product's code: what judges
 * it must not share its mistakes. Knows the names of these tests only, which need no quoting.
 *
 * @see fs/dlm/debug_fs.c, print_format2_lock
 */
export interface KernelEntry {
  readonly resource: string;
  /** False: a lock of another node, shown because this node is the resource's master. */
  readonly local: boolean;
  /** The node that holds it; 0 is the one that was asked. */
  readonly holder: number;
  /** Whether this node is the resource's master, and so sees every lock on it. */
  readonly mastered: boolean;
  readonly pid: number;
  readonly status: 'waiting' | 'granted' | 'converting';
  /** NL 0, CR 1, CW 2, PR 3, PW 4, EX 5; -1 before the first grant. */
  readonly granted: number;
  readonly requested: number;
}

export const KERNEL_MODE = { NL: 0, PR: 3, EX: 5 } as const;

const COLUMNS = 14;
const STATUSES = [undefined, 'waiting', 'granted', 'converting'] as const;

/**
 * The file `<lockspace>_locks` of debugfs, which is empty when there is no lock at all. Throws for
 * anything that is not understood.
 */
export function parseKernelTable(text: string): KernelEntry[] {
  if (text === '') return [];
  const [head, ...lines] = text.trimEnd().split('\n');
  if (head?.startsWith('id nodeid remid pid') !== true) {
    throw new Error(`this is no table of locks: ${text.slice(0, 200)}`);
  }
  return lines.map((line) => entryOf(line));
}

function entryOf(line: string): KernelEntry {
  const words = line.split(' ');
  const [, node, , pid, , , , state, granted, requested, , master] = words.map(Number);
  const status = STATUSES[state ?? 0];
  const name = /^"(.*)"$/.exec(words.slice(COLUMNS - 1).join(' '))?.[1];
  const numbers = [node, pid, granted, requested, master];
  if (status === undefined || name === undefined || !numbers.every(Number.isInteger)) {
    throw new Error(`this is no line of a table of locks: ${line}`);
  }
  const mastered = master === 0;
  const local = !mastered || node === 0;
  return {
    resource: name,
    local,
    holder: local ? 0 : node ?? 0,
    mastered,
    pid: pid ?? 0,
    status,
    granted: granted ?? -1,
    requested: requested ?? -1,
  };
}
