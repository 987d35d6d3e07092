#!/bin/sh
# A virtual machine that never runs twice, for pcs: sh vm.pcs.sh
# Needs holdfast.pcs.sh. Change vm-17, its uuid and its file.
set -e
# All at once: one by one, pcs has the machine started before it depends on its lock.
cib=$(mktemp)
trap 'rm -f "$cib" "$cib.before"' EXIT
pcs cluster cib "$cib"
cp "$cib" "$cib.before"
pcs -f "$cib" resource create vm-17-lock ocf:holdfast:lock \
    resource="vm:4c4c4544-0035-4d10-8044-b7c04f4e3332" \
    op start timeout=180s stop timeout=60s monitor interval=10s timeout=20s \
    migrate_to timeout=60s migrate_from timeout=60s meta allow-migrate=true
pcs -f "$cib" constraint order start locking-clone "then" start vm-17-lock
pcs -f "$cib" constraint colocation add vm-17-lock with locking-clone
pcs -f "$cib" resource create vm-17 ocf:heartbeat:VirtualDomain \
    config="/etc/libvirt/qemu/vm-17.xml" hypervisor="qemu:///system" \
    op start timeout=90s stop timeout=180s monitor interval=10s timeout=30s \
    migrate_to timeout=300s migrate_from timeout=300s meta allow-migrate=true
pcs -f "$cib" constraint order start vm-17-lock "then" start vm-17
pcs -f "$cib" constraint colocation add vm-17 with vm-17-lock
pcs cluster cib-push "$cib" diff-against="$cib.before"
