import type { ClusterView, ControllerNode, LockspaceNode } from './cluster-view.js';

/** How dlm_controld sees one lockspace, from `dlm_tool ls -n`. */
export interface ControllerLockspace {
  readonly name: string;
  /** The words after `flags`: `kern_stop`, `join`, `leave`, `fs_reg` … */
  readonly flags: readonly string[];
  /** Node ids of the last change that was completed. */
  readonly members: readonly number[];
  /** The change under way, with what it waits for in dlm_controld's words; null when none. */
  readonly change: { readonly waitsFor: string; readonly members: readonly number[] } | null;
  /** Every node that it has known there. */
  readonly nodes: readonly LockspaceNode[];
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
  const nodes: LockspaceNode[] = [];
  for (const line of lines) {
    const node = parseNode(line);
    if (node !== null && nodes.length < NODES_MAX) {
      nodes.push(node);
    }
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
    nodes,
  };
}

/** `nodeid N member 0|1 failed REASON start 0|1 seq_add … seq_rem … check WHAT …` */
function parseNode(line: string): LockspaceNode | null {
  const [, nodeId, member, failed, start, check = '']
    = /^nodeid (\d{1,10}) member (\d) failed (\d+) start (\d) .*check (\w+)/.exec(line) ?? [];
  if (nodeId === undefined) {
    return null;
  }
  return {
    nodeId: Number(nodeId),
    member: member !== '0',
    failed: failed !== '0',
    started: start !== '0',
    waitsFor: CHECKS[check] ?? 'nothing',
  };
}

/** dlm_tool's words for what must be checked about a node that has gone. */
const CHECKS: Readonly<Partial<Record<string, LockspaceNode['waitsFor']>>> = {
  fence: 'fencing', quorum: 'quorum', fs: 'filesystem',
};

/** What `dlm_tool status` says of the daemon and its nodes. */
export type ControllerStatus = Omit<ClusterView, 'fencingEnabled' | 'lockspaces'>;

/**
 * Reads the output of `dlm_tool status`; null when it has not even the line about the cluster.
 * Total: lines that are not known are passed over. @see dlm_tool/main.c, do_status
 */
export function parseStatus(output: string): ControllerStatus | null {
  const [, nodeId, quorate, ring, ringDone]
    = /^cluster nodeid (\d+) quorate (\d) ring seq (\d+) (\d+)/m.exec(output) ?? [];
  if (nodeId === undefined) {
    return null;
  }
  const [, now = '0', fencePid = '0'] = /^daemon now (\d+) fence_pid (\d+)/m.exec(output) ?? [];
  const needed = new Map<number, boolean>();
  const nodes: ControllerNode[] = [];
  for (const line of output.split('\n')) {
    const [, fenced, pid] = /^fence (\d{1,10}) .*?pid (-?\d+)/.exec(line) ?? [];
    if (fenced !== undefined && needed.size < NODES_MAX) {
      needed.set(Number(fenced), Number(pid) > 0);
    }
    const node = parseControllerNode(line);
    if (node !== null && nodes.length < NODES_MAX) {
      nodes.push(node);
    }
  }
  return {
    nodeId: Number(nodeId),
    quorate: quorate !== '0',
    ringSequence: Number(ring),
    ringSequenceDone: Number(ringDone),
    nowSeconds: Number(now),
    fencePid: Number(fencePid),
    nodes: nodes.map((node) => ({ ...node, fencing: fencingOf(needed.get(node.nodeId)) })),
  };
}

/** `node N M|X add T rem T fail T fence T at T T` */
function parseControllerNode(line: string): ControllerNode | null {
  const [, nodeId, member, added, removed, failed, fenced]
    = /^node (\d{1,10}) (\S) add (\d+) rem (\d+) fail (\d+) fence (\d+)/.exec(line) ?? [];
  if (nodeId === undefined) {
    return null;
  }
  return {
    nodeId: Number(nodeId),
    member: member === 'M',
    fencing: 'none',
    joinedAtSeconds: Number(added),
    leftAtSeconds: Number(removed),
    failedAtSeconds: Number(failed),
    fencedAtSeconds: Number(fenced),
  };
}

function fencingOf(agentRuns: boolean | undefined): ControllerNode['fencing'] {
  if (agentRuns === undefined) {
    return 'none';
  }
  return agentRuns ? 'in-progress' : 'needed';
}

function parseNodeIds(value: string): readonly number[] {
  return value.split(/\s+/).filter((word) => /^\d+$/.test(word)).map(Number)
    .filter((id) => id <= NODE_ID_MAX).slice(0, NODES_MAX);
}
