#!/bin/bash
# Asks each minion by its path, then one that there is not.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/common.sh"

for i in $MINIONS; do
  echo "$SITE$PREFIX/minion-$i:"
  curl -sSL --max-time 90 "$SITE$PREFIX/minion-$i"
done
echo "$SITE$PREFIX/minion-66:"
curl -sS "$SITE$PREFIX/minion-66/"
