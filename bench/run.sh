#!/usr/bin/env bash
# npm run bench: sets up what it needs, measures, prints the table, writes bench/results.json. About ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
bash cli/setup/packages.sh --bench
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
npm run --silent build
exec npx tsx bench/main.ts "$@"
