#!/usr/bin/env bash
# npm run bench: sets up what it needs, measures, prints the table, writes bench/results.json. About ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || { echo "The bench starts a Docker engine of its own: run it as root." >&2; exit 1; }
bash cli/setup/packages.sh --bench
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
npm run --silent build
trap "tsx test/lab/clean.ts" EXIT
tsx bench/main.ts "$@"
