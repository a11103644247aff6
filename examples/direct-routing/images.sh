#!/bin/bash
# Gives a Docker engine the images of this example, made of this machine's Node: mock-app:latest, mock-home:latest and
# mock-app:checked, which has a HEALTHCHECK. Needs no network.
#   images.sh [<engine>]      unix:///path or tcp://host:port; that of this machine, or of `reveille up`, unless given
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
own=/run/reveille/docker.sock
[ -S "$own" ] || own=/var/run/docker.sock
engine=${1:-unix://$own}
image() { bash "$here/../../cli/setup/node-image.sh" "$engine" "$@" && echo "$1 is there"; }

image mock-home:latest "$here/mock-home.js"
image mock-app:latest "$here/mock-app.js" 'ENV PORT=9000' 'EXPOSE 9000'
image mock-app:checked "$here/mock-app.js" 'ENV PORT=9000' 'EXPOSE 9000' \
  'HEALTHCHECK --interval=2s CMD busybox wget -q -O /dev/null http://127.0.0.1:9000/status'
