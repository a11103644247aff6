#!/bin/bash
# Makes a fresh clone ready to run: installs what is missing, builds. Does nothing, quickly, when all is there.
# As root everything is installed; otherwise it says what is missing.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

bash cli/setup/check-node.sh

# Programs. Without root only what cannot be done without is asked for: `up` itself says why there is no Docker.
if [ "$(id -u)" = 0 ]; then
  bash cli/setup/packages.sh
else
  bash cli/setup/packages.sh etcd-server nginx curl
fi

# npm packages: npm notes what it installed in its own copy of the lock.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing npm packages."
  npm ci --loglevel=error --include=dev
  touch node_modules/.package-lock.json
fi

# A build that is newer than every source is taken as it is.
if [ ! -e dist/cli/main.js ] ||
  [ -n "$(find model controller launcher registrar adapters cli tsconfig.json package.json -newer dist/cli/main.js -print -quit)" ]; then
  echo "Building."
  npm run --silent build
  touch dist/cli/main.js
fi
