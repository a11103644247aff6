#!/bin/bash
# Gives a Docker engine the images of this example, made of this machine's Node: hello/world, which listens on port 80, and
# foo/bar, on 8000. Needs no network.
#   images.sh <engine>        engine: unix:///path or tcp://host:port
set -euo pipefail
[ $# = 1 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
image() { bash "$here/../../cli/setup/node-image.sh" "$@" && echo "$2 is there"; }

image "$1" hello/world:latest "$here/app.js" 'ENV NAME=hello PORT=80'
image "$1" foo/bar:latest "$here/app.js" 'ENV NAME=bar PORT=8000'
