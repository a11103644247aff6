#!/bin/bash
# Creates the minions and starts them, by the spawner API. What is sent is what the original's examples send.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/common.sh"

order() {
  cat <<JSON
{
  "name": "minion-$1",
  "network": "traefiknet",
  "image": "$IMAGE",
  "labels": {
    "healthcheck": "http:\/\/minion-$1:9000\/status",
    "traefik.enable": "true",
    "traefik.http.services.minion-$1.loadbalancer.server.port": "9000"
  },
  "envs": { "CONNSTR": "db $1", "IDLE": "$IDLE" }
}
JSON
}

TOKEN=$(token)
for i in $MINIONS; do deploy POST '' "$(order "$i")"; done
