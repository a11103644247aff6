#!/bin/bash
# Gives a Docker engine the images of this example, made of this machine's Node: mock-app:latest, mock-home:latest and
# mock-app:checked, which has a HEALTHCHECK. Needs no network.
#   images.sh <engine>        engine: unix:///path or tcp://host:port
set -euo pipefail
[ $# = 1 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
image() { bash "$here/../../cli/setup/node-image.sh" "$@" && echo "$2 is there"; }

image "$1" mock-home:latest "$here/mock-home.js"
image "$1" mock-app:latest "$here/mock-app.js" 'ENV PORT=9000' 'EXPOSE 9000'
image "$1" mock-app:checked "$here/mock-app.js" 'ENV PORT=9000' 'EXPOSE 9000' \
  'HEALTHCHECK --interval=2s CMD busybox wget -q -O /dev/null http://127.0.0.1:9000/status'
