#!/bin/bash
# All tests (`npm test`), on a Debian machine with Node and npm, as root: installs what is missing, builds, checks
# types and style, runs the tests. Arguments go to vitest: `npm test -- test/model`. The last line is the count.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin

step() { printf '\n== %s\n' "$*"; }
# Whatever ends this before the tests could run is a failure, and counted as one.
trap 'echo "0 passed, 1 failed, 0 skipped"' EXIT

bash cli/setup/check-node.sh
if [ "$(id -u)" != 0 ]; then
  echo "The tests start a Docker engine in a network of its own: run them as root (sudo npm test)." >&2
  exit 1
fi

step "Programs"
bash cli/setup/packages.sh
bash cli/setup/packages.sh haproxy systemd systemd-container chromium docker-registry openssh-client openssh-server \
  python3-flask python3-waitress

step "Libraries"
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --loglevel=error --include=dev
  touch node_modules/.package-lock.json
fi

step "Build"
npm run --silent build

step "Types and style"
tsc -p tsconfig.test.json
npm run --silent lint

step "Tests"
# Not by exec: vitest does not tear down when it is interrupted, so that is done after it.
trap 'kill -TERM $vitest' INT TERM
trap 'tsx test/lab/clean.ts' EXIT
vitest run "$@" &
vitest=$!
code=0
wait $vitest || code=$?
# A signal ends the first wait early.
wait $vitest 2>/dev/null || true
exit $code
