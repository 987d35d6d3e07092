#!/bin/sh
# Holdfast on every node, for pcs: sh holdfast.pcs.sh
# Fencing has to be configured and tried out before this.
set -e
# All at once: one by one, pcs has each resource started before its constraints are there.
cib=$(mktemp)
trap 'rm -f "$cib" "$cib.before"' EXIT
pcs cluster cib "$cib"
cp "$cib" "$cib.before"
pcs -f "$cib" property set stonith-enabled=true no-quorum-policy=freeze
pcs -f "$cib" resource create dlm ocf:pacemaker:controld \
    op start timeout=90s stop timeout=100s monitor interval=10s timeout=60s \
    --group locking
# A stop that is refused, because somebody else holds locks, waits for the operator: on-fail=block.
pcs -f "$cib" resource create holdfast ocf:holdfast:coordinator \
    op start timeout=90s stop timeout=120s on-fail=block monitor interval=10s timeout=20s \
    --group locking
# One group, cloned, and not two clones with an order: between clones Pacemaker goes on and stops
# dlm_controld although the stop of holdfast was refused, and then fences the node for that.
pcs -f "$cib" resource clone locking interleave=true
pcs cluster cib-push "$cib" diff-against="$cib.before"
