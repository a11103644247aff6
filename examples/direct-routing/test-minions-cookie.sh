#!/bin/bash
# Asks each minion by its cookie, as the spawner API tells it (signed, where there is a key), then with a cookie that names
# none, then without one. Follows redirects, as a browser does.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/common.sh"
ask() { curl -sSL --max-time 90 "$@"; }

list=$(deploy GET)
for i in $MINIONS; do
  cookie=$(grep -o "\"cookie\":\"$COOKIE=minion-$i[.\"][^\",]*" <<<"$list" | cut -d'"' -f4)
  echo "Cookie $cookie:"
  ask --cookie "$cookie" "$SITE/"
done
echo "A wrong cookie, $COOKIE=minion-66:"
ask --cookie "$COOKIE=minion-66" "$SITE/" | grep '<h1>'
echo "No cookie:"
ask "$SITE/" | grep '<h1>'
