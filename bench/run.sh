#!/usr/bin/env bash
# npm run bench [-- <part> ...]: sets up what it needs, measures, prints the table, keeps it in bench/results.json and
# writes it into docs/performance.md. About half an hour for all. Ends cleanly at Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || { echo "The bench starts a Docker engine of its own: run it as root." >&2; exit 1; }
bash cli/setup/packages.sh --bench
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
npm run --silent build
# Not by exec, and waited for twice: a signal ends the first wait early, and what was started is cleared away after it.
trap 'kill -TERM $bench 2>/dev/null' INT TERM
trap 'tsx test/lab/clean.ts' EXIT
tsx bench/main.ts "$@" &
bench=$!
code=0
wait $bench || code=$?
wait $bench 2>/dev/null || true
exit $code
