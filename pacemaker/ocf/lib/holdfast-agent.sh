# shellcheck shell=sh
# What the agents of Holdfast share: time, and the daemon's control API by curl.
#
# Sourced after ocf-shellfuncs. Names that begin with hf_ are this file's. Nothing here waits longer
# than hf_begin allowed, whatever hangs.

: "${HOLDFAST_DLM_SYSFS:=/sys/kernel/dlm}"

# The longest that one question may take, in s; what waits for a grant gives its own bound.
HF_ASK_S_MAX=5

# hf_begin SECONDS: the action has as long as the cluster gives it, or SECONDS when it does not say,
# less what it needs to report in time.
hf_begin() {
	hf_timeout_s=$1
	if [ -n "${OCF_RESKEY_CRM_meta_timeout:-}" ]; then
		hf_timeout_s=$((OCF_RESKEY_CRM_meta_timeout / 1000))
	fi
	hf_margin_s=$((hf_timeout_s / 10))
	[ "$hf_margin_s" -ge 1 ] || hf_margin_s=1
	[ "$hf_margin_s" -le 5 ] || hf_margin_s=5
	hf_uptime
	hf_deadline_s=$((hf_now_s + hf_timeout_s - hf_margin_s))
}

# Sets hf_now_s: seconds that no change of the wall clock moves. Without a process of its own.
hf_uptime() {
	read -r hf_now_s _ </proc/uptime
	hf_now_s=${hf_now_s%%.*}
}

# Sets hf_left_s: what is left of the time, 0 when it is up.
hf_left() {
	hf_uptime
	hf_left_s=$((hf_deadline_s - hf_now_s))
	[ "$hf_left_s" -gt 0 ] || hf_left_s=0
}

# Waits a second; false when the time is up.
hf_pause() {
	hf_left
	[ "$hf_left_s" -gt 0 ] || return 1
	sleep 1
}

# hf_ask SECONDS CURL-ARGUMENTS...: puts one question to the daemon, SECONDS at most and never longer
# than the action may take. Sets hf_reply (lines "path value"), hf_code (why the daemon refused,
# empty when it did not) and hf_link, how the asking went:
#   answered   the daemon has said yes or no
#   absent     nobody listens on the socket
#   silent     somebody listens and does not answer in time
#   broken     the connection broke, or curl cannot be run; hf_reply says how
hf_ask() {
	hf_ask_s=$1
	shift
	hf_left
	[ "$hf_ask_s" -le "$hf_left_s" ] || hf_ask_s=$hf_left_s
	[ "$hf_ask_s" -ge 1 ] || hf_ask_s=1
	hf_reply=$(curl -q --silent --show-error --max-time "$hf_ask_s" \
		--unix-socket "$OCF_RESKEY_socket" --header 'Accept: text/plain' "$@" 2>&1)
	hf_rc=$?
	hf_code=
	case $hf_rc in
	0)
		hf_link=answered
		if hf_find error.code; then hf_code=$hf_found; fi
		;;
	7) hf_link=absent ;;
	28) hf_link=silent ;;
	*) hf_link=broken ;;
	esac
}

# hf_get PATH [CURL-ARGUMENTS...]
hf_get() {
	hf_path=$1
	shift
	hf_ask "$HF_ASK_S_MAX" --get "$@" "http://holdfast/v1/$hf_path"
}

# hf_post SECONDS PATH JSON
hf_post() {
	hf_ask "$1" --header 'Content-Type: application/json' --data-binary "$3" \
		"http://holdfast/v1/$2"
}

# hf_find PATH: sets hf_found to a value of the last answer, or to nothing and is false. Without a
# process of its own, as it is what every monitor does most.
hf_find() {
	while read -r hf_key hf_found; do
		[ "$hf_key" != "$1" ] || return 0
	done <<-REPLY
		$hf_reply
	REPLY
	hf_found=
	return 1
}

# hf_field PATH: prints it.
hf_field() {
	hf_find "$1" && printf '%s\n' "$hf_found"
}

# hf_json TEXT: prints it as the inside of a JSON string. Control characters are refused before.
hf_json() {
	hf_rest=$1
	hf_text=
	while :; do
		case $hf_rest in
		*[\\\"]*) ;;
		*) break ;;
		esac
		hf_head=${hf_rest%%[\\\"]*}
		hf_tail=${hf_rest#"$hf_head"}
		hf_rest=${hf_tail#?}
		hf_text=$hf_text$hf_head\\${hf_tail%"$hf_rest"}
	done
	printf '%s\n' "$hf_text$hf_rest"
}

# How the last question failed, in words.
hf_describe_link() {
	case $hf_link in
	absent) echo "nobody listens on $OCF_RESKEY_socket" ;;
	silent) echo "the daemon on $OCF_RESKEY_socket does not answer" ;;
	*) echo "the daemon cannot be asked ($hf_reply)" ;;
	esac
}

# hf_is_in_lockspace NAME: whether this node's kernel is in it.
hf_is_in_lockspace() {
	[ -e "$HOLDFAST_DLM_SYSFS/$1" ]
}

# hf_check_path NAME VALUE
hf_check_path() {
	case $2 in
	/*) return 0 ;;
	esac
	ocf_exit_reason "$1 must be an absolute path, not '$2'"
	return 1
}

# hf_check_word NAME VALUE ALLOWED...
hf_check_word() {
	hf_name=$1
	hf_given=$2
	shift 2
	for hf_word in "$@"; do
		[ "$hf_given" != "$hf_word" ] || return 0
	done
	ocf_exit_reason "$hf_name must be one of: $*; not '$hf_given'"
	return 1
}

# hf_check_boolean NAME VALUE
hf_check_boolean() {
	hf_check_word "$1" "$2" true false yes no on off 1 0
}

# hf_check_seconds NAME VALUE
hf_check_seconds() {
	if ! ocf_is_decimal "$2" || [ "${#2}" -gt 6 ]; then
		ocf_exit_reason "$1 must be a whole number of seconds, not '$2'"
		return 1
	fi
}

# hf_check_text NAME VALUE BYTES-MAX: 1 to that many bytes without control characters.
hf_check_text() {
	case $2 in
	*[[:cntrl:]]*)
		ocf_exit_reason "$1 must not contain control characters"
		return 1
		;;
	esac
	# LC_ALL is C in every agent, so these are bytes.
	if [ -z "$2" ] || [ "${#2}" -gt "$3" ]; then
		ocf_exit_reason "$1 must have 1 to $3 bytes, and has ${#2}"
		return 1
	fi
}
