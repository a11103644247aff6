#!/bin/bash
# npm run lab: a fleet on this machine, to play with. Sets up what it needs. `npm run lab -- --help` says more.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export PATH=$PWD/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin

bash cli/setup/check-node.sh
case ${1:-} in
  -h | --help | --run) ;;
  "" | -*)
    [ "$(id -u)" = 0 ] || { echo "The lab starts Docker engines in networks of their own: run it as root." >&2; exit 1; }
    bash cli/setup/packages.sh
    if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
      echo "Installing npm packages."
      npm ci --loglevel=error --include=dev
      touch node_modules/.package-lock.json
    fi
    echo "Building."
    npm run --silent build
    ;;
esac
exec node --import tsx test/lab/fleet/main.ts "$@"
