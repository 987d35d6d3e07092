/** Where the guests find the monitor of a victim: a port of the host's loopback. */
export interface FenceTarget {
  readonly nodeId: number;
  /** The name of the virtual machine, which the agent compares before it acts. */
  readonly machine: string;
  readonly port: number;
}

/** Path of the agent in the guest. */
export const FENCE_AGENT_PATH = '/usr/sbin/fence_holdfast_lab';

/** While this file exists in the guest, its agent fails: a broken fence device. */
export const FENCE_BROKEN_PATH = '/run/holdfast-lab-fence-broken';

/** dlm_controld fences nobody until this long after a node joined it; its own default is 30. */
const POST_JOIN_DELAY_SECONDS = 2;

/**
 * The text of /etc/dlm/dlm.conf: fencing on, by our agent. Startup fencing stays off, since a
 * starved guest that comes late would be switched off instead of being waited for.
 *
 * @see dlm.conf(5), Fencing
 */
export function dlmConfigText(targets: readonly FenceTarget[]): string {
  return [
    'log_debug=1',
    'enable_fencing=1',
    'enable_startup_fencing=0',
    `post_join_delay=${POST_JOIN_DELAY_SECONDS}`,
    '',
    `device lab ${FENCE_AGENT_PATH}`,
    ...targets.map(({ nodeId, machine, port }) =>
      `connect lab node=${nodeId} monitor=${port} machine=${machine}`),
    '',
  ].join('\n');
}

/**
 * The fence agent: dlm_controld gives it key=value lines on stdin. It switches the victim off by
 * its monitor and succeeds only when that monitor has gone, which QEMU closes after the virtual
 * machine has stopped. A refused connection means that it had gone before. Everything else is
 * a failure, as is a monitor of a machine of another name. Bash, because it starts in
 * milliseconds under emulation and connects by itself.
 */
export const FENCE_AGENT_TEXT = `#!/bin/bash
export LC_ALL=C
monitor= machine= action=off node=
while IFS= read -r line; do
  case $line in
    monitor=*) monitor=\${line#*=} ;;
    machine=*) machine=\${line#*=} ;;
    action=*) action=\${line#*=} ;;
    node=*) node=\${line#*=} ;;
  esac
done
say() { echo "$1" >&2; logger -t fence_holdfast_lab -- "node $node: $1"; }
[ ! -e ${FENCE_BROKEN_PATH} ] || { say "broken on purpose"; exit 1; }
case $action in off|reboot) ;; *) say "cannot do $action"; exit 1 ;; esac
[ -n "$monitor" ] && [ -n "$machine" ] || { say "needs monitor= and machine="; exit 1; }

refused() { # the only proof that nobody listens there any more
  local text
  text=$( { exec 3<>"/dev/tcp/10.0.2.2/$monitor"; } 2>&1 ) && return 1
  [[ $text == *"Connection refused"* ]]
}
answer() { # reads up to the answer of the last command, past events
  local text
  while IFS= read -r -t 5 text <&3; do
    case $text in *'"return"'*) echo "$text"; return 0 ;; *'"error"'*) return 1 ;; esac
  done
  return 1
}
ask() { printf '%s\\n' "$1" 2>/dev/null >&3 && answer; }
switch_off() {
  { exec 3<>"/dev/tcp/10.0.2.2/$monitor"; } 2>/dev/null || return 1
  ask '{"execute":"qmp_capabilities"}' >/dev/null || return 1
  local name
  name=$(ask '{"execute":"query-name"}') || return 1
  [[ $name == *"\\"$machine\\""* ]] || { say "monitor $monitor is not of $machine"; return 2; }
  printf '{"execute":"quit"}\\n' >&3
  # The other side closes when the machine has stopped.
  while IFS= read -r -t 5 _ <&3; do :; done
  exec 3>&-
}

for _ in 1 2 3 4 5; do
  if refused; then say "$machine is off"; exit 0; fi
  switch_off
  [ $? -ne 2 ] || exit 1
  if refused; then say "$machine was switched off"; exit 0; fi
  sleep 0.3
done
say "$machine could not be switched off"
exit 1
`;
