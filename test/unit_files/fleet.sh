#!/bin/bash
# `npm run fleet-page`: follows docs/fleet.md, docs/hosts.md and docs/from/coreos-flask.md literally on four machines, containers with a
# systemd of their own, and pulls their plugs. As root; takes a quarter of an hour, and the network for Debian's and npm's packages.
#   --flask  only docs/fleet.md and then docs/from/coreos-flask.md: some minutes
#   --keep   leaves the machines running; the next run removes them
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || { echo "It boots machines: run it as root." >&2; exit 1; }
bash cli/setup/packages.sh systemd-container debootstrap openssh-client iproute2 iptables
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
# Its machines have one place and one network: a second run would end those of the first.
code=0
flock --nonblock --close --conflict-exit-code 75 /var/tmp/reveille-fleet.lock tsx test/unit_files/fleet/main.ts "$@" || code=$?
[ $code != 75 ] || echo "Another run of this is under way: wait for its end." >&2
exit $code
