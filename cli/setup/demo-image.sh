#!/bin/bash
# Gives a Docker engine the image of the demo app, localhost/reveille/demo:1, made of this machine's Node. Needs no network.
#   demo-image.sh <engine>        engine: unix:///path, tcp://host:port or file:///folder (import-image.sh says more)
set -euo pipefail
[ $# = 1 ] || { sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
exec bash "$here/node-image.sh" "$1" localhost/reveille/demo:1 "$here/../../examples/demo/app.js"
