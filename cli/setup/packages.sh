#!/bin/bash
# Installs the programs Reveille stands on, those that are missing, on Debian or a relative, as root.
#   packages.sh [--bench] [<package> ...]     without packages: all that `reveille up` and the tests need
#   --bench adds what `npm run bench` needs: the load generator, and proxies to be held against.
# Says what and why before it does so; starts no daemons; does nothing, quickly, when all is there. What is there from
# elsewhere counts: a program is looked for by its command.
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# package | its commands | why
known='
etcd-server    | etcd                    | the store: where each app lives
etcd-client    | etcdctl                 | to look into the store
nginx          | nginx                   | the gateway
libnginx-mod-http-lua |                  | routes that change without a reload of nginx
haproxy        | haproxy                 | the gateway, where it is to be HAProxy
docker.io      | dockerd containerd runc | the engine that runs the apps
iproute2       | ip ss                   | networks of the engine
iptables       | iptables                | published ports of the engine
util-linux     | nsenter unshare mount   | an engine of our own beside an existing one
busybox-static | busybox                 | the shell of the demo and test images
openssl        | openssl                 | certificates
curl           | curl                    | to speak to the engine, and to try things
procps         | ps sysctl               | to see processes
systemd        | systemd-analyze         | to check the unit files (tests)
systemd-container | systemd-nspawn      | a machine with a systemd of its own (tests)
wrk            | wrk                     | load for the benchmark
caddy          | caddy                   | a proxy to be held against (benchmark)
chromium       | chromium                | a browser, for the tests of the pages it is shown
docker-registry | docker-registry        | to pull images from (tests)
openssh-client | ssh ssh-keygen          | to reach engines at ssh://
openssh-server | sshd                    | an engine behind ssh (tests)
python3-flask  |                         | the app of an example (tests)
python3-waitress |                       | what serves it (tests)
'
row() { awk -F' *[|] *' -v package="$1" '$1 == package { print; exit }' <<<"$known"; }
commands_of() { row "$1" | awk -F' *[|] *' '{ print $2 }'; }
reason_of() { row "$1" | awk -F' *[|] *' '{ print $3 }'; }

# An image with nothing else in it needs a busybox that is linked to nothing.
is_static() { ! ldd "$(command -v "$1")" >/dev/null 2>&1; }

is_there() {
  local commands command
  commands=$(commands_of "$1")
  [ -n "$commands" ] || { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; return; }
  for command in $commands; do
    command -v "$command" >/dev/null || return 1
    [ "$command" != busybox ] || is_static busybox || return 1
  done
}

wanted=()
bench=()
for argument in "$@"; do
  case $argument in
    --bench) bench=(wrk haproxy caddy) ;;
    -*) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) wanted+=("$argument") ;;
  esac
done
if [ ${#wanted[@]} = 0 ]; then
  wanted=(etcd-server etcd-client nginx docker.io iproute2 iptables util-linux busybox-static openssl curl procps)
  # The module fits the archive's own nginx only; with any other, routes change by reloads.
  if ! command -v nginx >/dev/null || is_there nginx-common; then wanted+=(libnginx-mod-http-lua); fi
fi

missing=()
for package in "${wanted[@]}" "${bench[@]}"; do
  is_there "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Reveille needs these programs, which are not here yet:"
for package in "${missing[@]}"; do
  printf '  %-15s %s\n' "$package" "$(reason_of "$package")"
done

fail() { printf '\n%s\n' "$@" >&2; exit 1; }
command -v apt-get >/dev/null || fail "There is no apt-get here. Install them your system's own way, then try again."
[ "$(id -u)" = 0 ] || fail "Installing takes root. Run:  sudo apt-get install --no-install-recommends ${missing[*]}"
echo "Installing them by apt-get."

# A package with a daemon asks this file whether to start it. One that is there already is the administrator's word.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
apt() { apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1; }
installed() { apt install -y --no-install-recommends "${missing[@]}"; }
# The lists on the machine may be absent, or too old for the archive: then they are fetched, once.
installed || { apt update && installed; } || {
  tail -n 20 "$log" >&2
  fail "apt-get failed, see above. Is there a network, and does /etc/apt list a Debian archive? Whole log: $log"
}
rm -f "$log"

for package in "${missing[@]}"; do
  is_there "$package" || fail "$package was installed, but of its commands ($(commands_of "$package")) one is not in PATH."
done
echo "Installed. Nothing was started."
[ ! -d /run/systemd/system ] || echo "At the next boot systemd would start them; against that: systemctl disable nginx etcd docker"
