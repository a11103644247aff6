#!/bin/bash
# Asks each minion by its cookie, then with a cookie that names none, then without one. Follows redirects, as a browser does.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/common.sh"
ask() { curl -sSL --max-time 90 "$@"; }

for i in $MINIONS; do
  echo "Cookie $COOKIE=minion-$i:"
  ask --cookie "$COOKIE=minion-$i" "$SITE/"
done
echo "A wrong cookie, $COOKIE=minion-66:"
ask --cookie "$COOKIE=minion-66" "$SITE/" | grep '<h1>'
echo "No cookie:"
ask "$SITE/" | grep '<h1>'
