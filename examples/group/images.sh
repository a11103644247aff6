#!/bin/bash
# Gives a Docker engine the images of this example, made of this machine's Node. Needs no network.
#   images.sh <engine>        engine: unix:///path or tcp://host:port
set -euo pipefail
[ $# = 1 ] || { sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
for app in db shop; do
  bash "$here/../../cli/setup/node-image.sh" "$1" "reveille/example-$app:1" "$here/$app.js"
  echo "reveille/example-$app:1 is there"
done
