#!/bin/sh
# Tells Holdfast of every attempt to fence a node, for pcs: sh alert.pcs.sh
set -e
pcs alert create path=/usr/libexec/holdfast/fencing-alert id=holdfast-fencing
