#!/bin/bash
# From a fresh clone to woken apps: installs what is missing, builds, runs `reveille up --demo` until Ctrl-C.
#   start.sh [<flag of reveille up> ...]       npm start -- --listen 0.0.0.0:8888
# As root everything is installed and apps run in Docker; otherwise it says what is missing, and apps run as processes.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

case ${1:-} in
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' cli/setup/start.sh; exit 0 ;;
esac

bash cli/setup/prepare.sh
exec node dist/cli/main.js up --demo "$@"
