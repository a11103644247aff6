#!/bin/bash
# The whole way: three minions are created, tested, left alone until they have ended, tested again (a request wakes each),
# and deleted; with a wrong cookie and without one. Stops at the first thing that is not as it should be.
#   walk.sh cookie        by the cookie `instance`; everybody else goes to /home
#   walk.sh path          by /mycustomprefix/<name>/
# Starts a Reveille of its own for as long as it takes, unless one answers at $SPAWNER already. As root, after
# cli/setup/prepare.sh.
set -euo pipefail
mode=${1:-}
case $mode in
  cookie) export PREFIX=${PREFIX-} && flags="--cookie instance --fallback /home" ;;
  path) export PREFIX=${PREFIX-/mycustomprefix} && flags="--path-prefix $PREFIX" ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
# What `reveille spawner-user add home` printed for a Reveille that is there already; one of our own has users of its own.
PASSWORD_FILE=$(realpath -m "${PASSWORD_FILE:-home.password}")
export PASSWORD_FILE IDLE=${IDLE:-6s}
cd "$(dirname "$(readlink -f "$0")")"
. ./common.sh
reveille() { (cd ../.. && exec npx reveille "$@"); }
say() { printf '\n== %s\n' "$*"; }
fail() { echo "not as it should be: $*" >&2; exit 1; }
# What does not answer, or refuses for want of a token, is told apart by curl's exit code.
answers() { curl -s -o /dev/null "$SPAWNER/deploy/"; }

# Whatever ends this script takes away what it made, and nothing else.
minions='' home='' up='' own=''
clean() {
  set +e
  [ -z "$minions" ] || ./delete-minions.sh >/dev/null 2>&1
  [ -z "$home" ] || reveille app rm home >/dev/null 2>&1
  [ -z "$up" ] || { kill -INT "$up" 2>/dev/null && wait "$up"; }
  [ -z "$own" ] || rm -rf "$own"
}
trap clean EXIT
trap 'exit 130' INT TERM

if ! answers; then
  say "Reveille, with its spawner API at $SPAWNER"
  own=$(mktemp -d)
  PASSWORD_FILE=$own/password
  reveille spawner-user add "$SPAWNER_USER" --spawner-users "$own/users" >"$PASSWORD_FILE"
  # shellcheck disable=SC2086
  node ../../dist/cli/main.js up --spawner "${SPAWNER#http://}" --spawner-users "$own/users" $flags >"$own/log" 2>&1 &
  up=$!
  for _ in $(seq 300); do
    ! grep -q 'Ctrl-C ends' "$own/log" || break
    kill -0 $up 2>/dev/null || { cat "$own/log" >&2; fail "it did not start"; }
    sleep 0.2
  done
fi

say "The images, and the home"
./images.sh ${ENGINE:-}
if [ "$mode" = cookie ] && ! reveille app show home >/dev/null 2>&1; then
  reveille app add home --image mock-home:latest
  home=ours
fi

say "Three minions"
./create-minions.sh
minions=ours

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
minions=''
[ "$(./list-minions.sh)" = '{"instances":[]}' ] || fail "one is left"
say "All as it should be"
