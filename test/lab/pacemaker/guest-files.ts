import { FENCE_AGENT_PATH, type FenceTarget } from '../guest/fencing.js';

/** Where the agent of Pacemaker's fence device is, and what it is called there. */
export const STONITH_PATH = '/usr/sbin/fence_holdfast_pacemaker';
export const STANDIN_PATH = '/usr/lib/ocf/resource.d/holdfast-lab/standin';
export const RUNNER_PATH = '/usr/local/lib/standin-run';

/** While this file exists on a node, the stand-in's migration fails there. */
export const MIGRATION_BROKEN_PATH = '/run/standin-migration-broken';

/**
 * The fence device as Pacemaker knows it: which machine a node is, and the agent of dlm_controld's
 * tests to switch it off. Never on: a fenced guest stays off until the test turns it on.
 *
 * @see the FenceAgentAPI of ClusterLabs: key=value lines on stdin
 */
export function stonithAgentText(targets: readonly FenceTarget[]): string {
  const cases = targets.map(({ nodeId, machine, port }) =>
    `  n${nodeId}) monitor=${port} machine=${machine} ;;`);
  return `#!/bin/bash
action=reboot port=
while IFS= read -r line; do
  case $line in
    action=*) action=\${line#*=} ;;
    port=*|plug=*) port=\${line#*=} ;;
  esac
done
while [ $# -gt 0 ]; do
  case $1 in -o) action=$2; shift ;; --action=*) action=\${1#*=} ;; esac
  shift
done
case $action in
  metadata)
    cat <<'META'
<?xml version="1.0" ?>
<resource-agent name="fence_holdfast_pacemaker" shortdesc="The lab's machines">
<longdesc>Switches a machine of the lab off.</longdesc>
<vendor-url>https://example.invalid</vendor-url>
<parameters>
<parameter name="port" unique="0" required="0"><content type="string"/><shortdesc lang="en">Node</shortdesc></parameter>
</parameters>
<actions>
<action name="off"/><action name="reboot"/><action name="monitor"/><action name="status"/><action name="list"/><action name="metadata"/>
</actions>
</resource-agent>
META
    exit 0 ;;
  monitor|status|start|stop|validate-all) exit 0 ;;
  list) printf '%s\\n' ${targets.map(({ nodeId }) => `n${nodeId}`).join(' ')}; exit 0 ;;
esac
case $port in
${cases.join('\n')}
  *) echo "no such node: $port" >&2; exit 1 ;;
esac
printf 'action=off\\nnode=%s\\nmonitor=%s\\nmachine=%s\\n' "$port" "$monitor" "$machine" | ${FENCE_AGENT_PATH}
`;
}

/**
 * What stands in for a virtual machine: it says all the time that it runs, straight to the host,
 * until it is killed. Bash, since that starts quickly under emulation and forks nothing here.
 */
export function runnerText(recorderPort: number): string {
  return `#!/bin/bash
exec 3>"/dev/tcp/10.0.2.2/${recorderPort}" || exit 1
exec 4<> <(:)
id=$(cat /proc/sys/kernel/random/uuid)
while echo "$1 $HOSTNAME $id" >&3; do read -r -t 0.2 -u 4; done
`;
}

/** The stand-in's agent: a live migration is its end here and its begin there, in that order. */
export const STANDIN_TEXT = `#!/bin/sh
: "\${OCF_ROOT:=/usr/lib/ocf}"
. "$OCF_ROOT/lib/heartbeat/ocf-shellfuncs"
file=/run/standin-$OCF_RESOURCE_INSTANCE.pid
runs() { [ -s "$file" ] && kill -0 "$(cat "$file")" 2>/dev/null; }
begin() {
  ! runs || return 0
  setsid ${RUNNER_PATH} "$OCF_RESOURCE_INSTANCE" </dev/null >/dev/null 2>&1 &
  echo $! >"$file"
}
end() {
  runs || return 0
  kill -9 "$(cat "$file")"
  while runs; do sleep 0.1; done
}
case $1 in
  meta-data) cat <<'META'
<?xml version="1.0"?>
<resource-agent name="standin" version="1.0"><version>1.0</version>
<longdesc lang="en">Stands in for a virtual machine.</longdesc><shortdesc lang="en">Stand-in</shortdesc>
<parameters/>
<actions>
<action name="start" timeout="60s"/><action name="stop" timeout="60s"/>
<action name="monitor" timeout="30s" interval="10s"/>
<action name="migrate_to" timeout="60s"/><action name="migrate_from" timeout="60s"/>
<action name="meta-data" timeout="5s"/>
</actions></resource-agent>
META
    ;;
  start) begin ;;
  stop) end ;;
  monitor) runs || exit "$OCF_NOT_RUNNING" ;;
  migrate_to)
    [ ! -e ${MIGRATION_BROKEN_PATH} ] || { ocf_exit_reason "broken on purpose"; exit 1; }
    end ;;
  migrate_from)
    [ ! -e ${MIGRATION_BROKEN_PATH} ] || { ocf_exit_reason "broken on purpose"; exit 1; }
    begin ;;
  *) exit "$OCF_ERR_UNIMPLEMENTED" ;;
esac
`;
