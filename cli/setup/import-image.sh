#!/bin/bash
# Gives a Docker engine an image of one layer: the files of a folder. Needs no network, no docker command, no builder.
#   import-image.sh <engine> <name:tag> <folder> [<instruction> ...]
# engine: unix:///path or tcp://host:port; or file:///folder, which gets them as layer.tar and instructions, for who reaches
# an engine in another way. Instructions are those of a Dockerfile that need no files: CMD, ENV, USER, ...
# Symbolic links that leave the folder are followed, so that large files need no copy.
# The same files give the same layer, which images then share.
# Does nothing when the engine has that image with that content already: a label holds its hash.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
engine=$1 name=$2 folder=$3
shift 3

case $engine in
  unix://*) api=(--unix-socket "${engine#unix://}") base=http://docker ;;
  tcp://*) api=() base=http://${engine#tcp://} ;;
  file://*) ;;
  *) echo "import-image.sh: engine must be unix:///path, tcp://host:port or file:///folder, not $engine" >&2; exit 2 ;;
esac

hash=$({
  printf '%s\n' "$@"
  cd "$folder" && find -L . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -c1-64)

set -- "$@" "LABEL reveille.content=$hash"
layer() { tar -C "$folder" -ch --sort=name --mtime=@0 --numeric-owner --owner=0 --group=0 .; }

if [[ $engine = file://* ]]; then
  layer >"${engine#file://}/layer.tar"
  printf '%s\n' "$@" >"${engine#file://}/instructions"
  exit 0
fi

if curl -sf "${api[@]}" "$base/images/$name/json" | grep -q "$hash"; then
  exit 0
fi

query=(--url-query fromSrc=- --url-query "repo=${name%:*}" --url-query "tag=${name##*:}")
for change in "$@"; do
  query+=(--url-query "changes=$change")
done
give() {
  layer | curl -sS --fail-with-body -X POST "${api[@]}" "${query[@]}" -H 'Content-Type: application/x-tar' -T - "$base/images/create" 2>&1
}
# An engine that fails in the middle says so in the last line of a 200.
if ! answer=$(give) || [[ $answer = *'"error"'* ]]; then
  echo "import-image.sh: $name: $answer" >&2
  exit 1
fi
