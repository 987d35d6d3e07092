/** One node of the cluster, as corosync.conf names it. */
export interface ClusterNode {
  readonly nodeId: number;
  readonly name: string;
  readonly address: string;
}

export interface CorosyncConfig {
  readonly clusterName: string;
  readonly nodes: readonly ClusterNode[];
  /** Silence after which a node counts as gone; the change follows 1.2 x this later. */
  readonly tokenMs: number;
  /** To stderr where a test collects the log, to syslog where systemd does. */
  readonly log: 'stderr' | 'syslog';
}

/**
 * The text of corosync.conf: knet without encryption, votequorum, no real-time scheduling (a test
 * machine has other work to do), and the token as given, whatever the number of nodes.
 *
 * @see corosync.conf(5)
 */
export function corosyncConfigText(config: CorosyncConfig): string {
  const toStderr = config.log === 'stderr';
  return [
    section('totem', [
      'version: 2',
      `cluster_name: ${config.clusterName}`,
      'transport: knet',
      'crypto_cipher: none',
      'crypto_hash: none',
      `token: ${config.tokenMs}`,
      'token_coefficient: 0',
    ]),
    section('quorum', ['provider: corosync_votequorum']),
    section('system', ['sched_rr: no', 'move_to_root_cgroup: no']),
    section('logging', [
      `to_stderr: ${toStderr ? 'yes' : 'no'}`,
      `to_syslog: ${toStderr ? 'no' : 'yes'}`,
      'to_logfile: no',
      'timestamp: hires',
    ]),
    section('nodelist', config.nodes.map(nodeSection)),
    '',
  ].join('\n');
}

function nodeSection(node: ClusterNode): string {
  const lines = [`nodeid: ${node.nodeId}`, `name: ${node.name}`, `ring0_addr: ${node.address}`];
  return section('node', lines);
}

/** corosync's parser wants a line end after every brace. */
function section(name: string, lines: readonly string[]): string {
  return [`${name} {`, ...lines, '}'].join('\n');
}
