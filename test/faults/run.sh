#!/usr/bin/env bash
# npm run faults [-- --runs 5] [--live off] [P05 P09 ...]: sets up what it needs, runs the faults, prints the table.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || { echo "The faults need machines with Docker engines: run them as root." >&2; exit 1; }
bash cli/setup/packages.sh
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
npm run --silent build
trap "tsx test/lab/clean.ts" EXIT
tsx test/faults/main.ts "$@"
