#!/bin/bash
# Gives a Docker engine an image of one JavaScript file (an ES module) and the Node of this machine. Needs no network.
#   node-image.sh <engine> <name:tag> <file.js> [<instruction> ...]
# The image: Node and the libraries it is linked to, busybox as its shell, the file as /app/app.js; runs as user
# 1000, listens on PORT (8000).
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
engine=$1 name=$2 file=$3
shift 3

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
node=$(readlink -f "$(command -v node)")
mkdir -p "$root"/{bin,app,etc}
mkdir -m 1777 "$root/tmp"
# a new volume gets the mode of the folder it covers: one at /data can be written
mkdir -m 1777 "$root/data"
ln -s "$node" "$root/bin/node"
ln -s "$(command -v busybox)" "$root/bin/busybox"
ln -s "$(command -v busybox)" "$root/bin/sh"
ln -s "$(readlink -f "$file")" "$root/app/app.js"
# A Node linked to nothing at all is fine too: ldd fails on it and lists nothing.
{ ldd "$node" || true; } | grep -o '/[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  ln -s "$(readlink -f "$library")" "$root$library"
done
echo '{"type":"module"}' >"$root/app/package.json"
printf 'root:x:0:0::/:/bin/sh\nnode:x:1000:1000::/app:/bin/sh\n' >"$root/etc/passwd"

bash "$(dirname "$0")/import-image.sh" "$engine" "$name" "$root" \
  'WORKDIR /app' 'USER 1000' 'ENV PATH=/bin' 'ENV PORT=8000' 'EXPOSE 8000' 'CMD ["node","app.js"]' "$@"
