#!/bin/bash
# Makes the certificates of a fleet, with openssl: keys on P-256, files of mode 0600, valid for one address each.
#   certificates.sh <folder> <machine> <address> [member] [host] [launcher]
#     member    it runs a member of etcd
#     host      it runs a Docker engine, which launchers on other machines reach over TLS
#     launcher  it runs a launcher, which may do on every host what root may
# In <folder>/<machine>/ is then what belongs into /etc/reveille/tls of that machine. <folder>/authority/ has the keys that
# sign: keep it where no machine of the fleet can read it. What is there and good for a month more is kept, so the
# same line again renews what is due.
set -euo pipefail
umask 077
usage() { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 3 ] || usage
folder=$1 machine=$2 address=$3
shift 3
[[ $machine =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$ && $machine != authority ]] || { echo "not the name of a machine: $machine" >&2; usage; }
[[ $address =~ ^[0-9.]+$|^[0-9a-fA-F:]+$ ]] || { echo "not an IP address: $address" >&2; usage; }
for role in "$@"; do
  [[ $role =~ ^(member|host|launcher)$ ]] || { echo "not a role: $role" >&2; usage; }
done
has() { [[ " $roles " == *" $1 "* ]]; }
roles="$*"
days=825 ten_years=3650 month=2592000

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

# One for each port that takes certificates: what one of them lets in, the others do not.
authority() {
  local to=$folder/authority/$1
  [ -e "$to.crt" ] && return
  mkdir -p "$folder/authority"
  key "$to.key"
  openssl req -x509 -new -sha256 -key "$to.key" -days $ten_years -subj "/CN=Reveille $1 authority" \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign' -out "$to.crt.new"
  mv "$to.crt.new" "$to.crt"
}

# certificate <authority> <path without ending> <serverAuth|clientAuth|both>
certificate() {
  local by=$folder/authority/$1 to=$folder/$machine/$2 names
  names="subjectAltName=IP:$address,IP:127.0.0.1,DNS:$machine,DNS:localhost"
  mkdir -p "$(dirname "$to")"
  authority "$1"
  if [ -e "$to.crt" ] && openssl x509 -in "$to.crt" -noout -checkend $month >/dev/null &&
    openssl verify -CAfile "$by.crt" -verify_ip "$address" "$to.crt" >/dev/null 2>&1; then return; fi
  key "$to.key"
  # Without a common name: etcd takes that for a user's, who then needs no password.
  openssl req -new -sha256 -key "$to.key" -subj "/O=Reveille/OU=$machine" |
    openssl x509 -req -sha256 -CA "$by.crt" -CAkey "$by.key" -set_serial "0x$(openssl rand -hex 16)" -days $days \
      -extfile <(printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
        "extendedKeyUsage=${3/both/serverAuth,clientAuth}" "$names") -out "$to.crt.new" 2>/dev/null
  mv "$to.crt.new" "$to.crt"
  echo "$to.crt"
}
trust() { install -m 600 "$folder/authority/$1.crt" "$folder/$machine/$2"; }

certificate store etcd/client clientAuth
trust store etcd/ca.crt
if has member; then
  # etcd asks itself with the certificate it serves with.
  certificate store member/server both
  trust store member/ca.crt
  certificate peer member/peer both
  trust peer member/peer-ca.crt
fi
if has host; then
  certificate engine engine/server serverAuth
  trust engine engine/ca.crt
fi
if has launcher; then
  certificate engine launcher/client clientAuth
  trust engine launcher/ca.crt
fi
