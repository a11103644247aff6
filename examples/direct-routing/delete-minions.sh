#!/bin/bash
# Stops the minions and removes them.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/common.sh"
TOKEN=$(token)
for i in $MINIONS; do deploy DELETE "minion-$i"; done
