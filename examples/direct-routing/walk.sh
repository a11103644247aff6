#!/bin/bash
# The whole way: three minions are created, tested, left alone until they have ended, tested again (a request wakes each),
# and deleted; with a wrong cookie and without one. Stops at the first thing that is not as it should be.
#   walk.sh cookie        by the cookie `instance`; everybody else goes to /home
#   walk.sh path          by /mycustomprefix/<name>/
# Starts a Reveille of its own for as long as it takes, unless one answers at $SPAWNER already. As root, after npm ci.
set -euo pipefail
mode=${1:-}
case $mode in
  cookie) export PREFIX=${PREFIX-} && flags="--cookie instance --fallback /home" ;;
  path) export PREFIX=${PREFIX-/mycustomprefix} && flags="--path-prefix $PREFIX" ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
cd "$(dirname "$(readlink -f "$0")")"
export IDLE=${IDLE:-6s} PASSWORD_FILE=${PASSWORD_FILE:-$(mktemp)}
. ./common.sh
reveille() { (cd ../.. && exec npx reveille "$@"); }
say() { printf '\n== %s\n' "$*"; }
fail() { echo "not as it should be: $*" >&2; exit 1; }
# What does not answer, or refuses for want of a token, is told apart by curl's exit code.
answers() { curl -s -o /dev/null "$SPAWNER/deploy/"; }

if ! answers; then
  say "Reveille, with its spawner API at $SPAWNER"
  log=$(mktemp)
  reveille spawner-user add "$SPAWNER_USER" >"$PASSWORD_FILE"
  # shellcheck disable=SC2086
  node ../../dist/cli/main.js up --spawner "${SPAWNER#http://}" $flags >"$log" 2>&1 &
  up=$!
  trap 'kill -INT $up 2>/dev/null && wait $up; rm -f "$PASSWORD_FILE"' EXIT
  for _ in $(seq 300); do
    ! grep -q 'Ctrl-C ends' "$log" || break
    kill -0 $up 2>/dev/null || { cat "$log" >&2; fail "it did not start"; }
    sleep 0.2
  done
fi

say "The images, and the home"
./images.sh ${ENGINE:-}
[ "$mode" = path ] || reveille app add home --image mock-home:latest --replace

say "Three minions"
./create-minions.sh

check() {
  local answer
  answer=$(./test-minions-"$mode".sh) || fail "a test failed: $answer"
  echo "$answer"
  for i in $MINIONS; do
    grep -q "\"instance\":\"minion-$i\",\"connected\":\"db $i\"" <<<"$answer" || fail "minion-$i did not answer"
  done
  [ "$mode" = path ] || [ "$(grep -c '<h1>Home</h1>' <<<"$answer")" = 2 ] || fail "strangers are not at home"
  [ "$mode" = cookie ] || grep -q 'No such app' <<<"$answer" || fail "there is a minion-66"
}
say "They answer"
check

say "Nobody asks for $IDLE: they end by themselves"
for _ in $(seq 120); do
  list=$(./list-minions.sh)
  [ "$(grep -o '"status":"exited"' <<<"$list" | wc -l)" != "$(wc -w <<<"$MINIONS")" ] || break
  sleep 0.5
done
echo "$list"
grep -q '"status":"running"' <<<"$list" && fail "one still runs"

say "They are asked again: each is woken by its request"
check

say "They are deleted"
./delete-minions.sh
[ "$(./list-minions.sh)" = '{"instances":[]}' ] || fail "one is left"
say "All as it should be"
