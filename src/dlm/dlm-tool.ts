/** How dlm_controld sees one lockspace, from `dlm_tool ls -n`. */
export interface ControllerLockspace {
  readonly name: string;
  /** The words after `flags`: `kern_stop`, `join`, `leave`, `fs_reg` … */
  readonly flags: readonly string[];
  /** Node ids of the last change that was completed. */
  readonly members: readonly number[];
  /** The change under way, with what it waits for in dlm_controld's words; null when none. */
  readonly change: { readonly waitsFor: string; readonly members: readonly number[] } | null;
}

/** Most lockspaces and nodes that are read from one output. */
const LOCKSPACES_MAX = 256;
const NODES_MAX = 256;
const NODE_ID_MAX = 0xffff_ffff;

/**
 * Reads the output of `dlm_tool ls -n`. Total: lines that are not known are passed over.
 * @see dlm_tool(8), dlm_tool/main.c show_ls
 */
export function parseLockspaces(output: string): readonly ControllerLockspace[] {
  const lockspaces: ControllerLockspace[] = [];
  for (const block of output.split(/^name(?= )/m).slice(1, LOCKSPACES_MAX + 1)) {
    const [first = '', ...lines] = block.split('\n');
    lockspaces.push(parseBlock(first.trim(), lines));
  }
  return lockspaces;
}

/** The settings that `dlm_tool dump_config` prints, one `name=value` a line. */
export function parseConfig(output: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of output.split('\n')) {
    const setting = /^\s*([a-z_]+)\s*=\s*(\S+)/.exec(line);
    if (setting?.[1] !== undefined && setting[2] !== undefined) {
      settings.set(setting[1], setting[2]);
    }
  }
  return settings;
}

function parseBlock(name: string, lines: readonly string[]): ControllerLockspace {
  let flags: readonly string[] = [];
  let members: readonly number[] = [];
  let waitsFor: string | null = null;
  let newMembers: readonly number[] = [];
  for (const line of lines) {
    const field = /^(flags|members|new change|new status|new members) +(.*)$/.exec(line);
    const value = field?.[2]?.trim() ?? '';
    switch (field?.[1]) {
      case 'flags':
        flags = value.split(/[ ,]+/).slice(1);
        break;
      case 'members':
        members = parseNodeIds(value);
        break;
      case 'new change':
        waitsFor ??= '';
        break;
      case 'new status':
        waitsFor = value.replace(/^wait */, '');
        break;
      case 'new members':
        newMembers = parseNodeIds(value);
        break;
      default:
        break;
    }
  }
  return {
    name,
    flags,
    members,
    change: waitsFor === null ? null : { waitsFor, members: newMembers },
  };
}

function parseNodeIds(value: string): readonly number[] {
  return value.split(/\s+/).filter((word) => /^\d+$/.test(word)).map(Number)
    .filter((id) => id <= NODE_ID_MAX).slice(0, NODES_MAX);
}
