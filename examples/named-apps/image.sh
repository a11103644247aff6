#!/bin/bash
# Gives a Docker engine what the Dockerfile here makes, without a network: of this machine's Python, with Debian's packages
# python3-flask and python3-waitress.
#   image.sh <engine> <name:tag>        engine: unix:///path or tcp://host:port
set -euo pipefail
[ $# = 2 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python=/usr/bin/python3

# What it takes is what is loaded once the app has answered, and the libraries that is linked to.
$python -B - "$here" <<'END' | xargs -d '\n' cp -L --parents -t "$root"
import re, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import app

for path in "/", "/name", "/missing":
    app.app.test_client().get(path)
files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
files = {file for file in files if file.startswith("/usr/lib/")}
for package in {re.match(r"/usr/lib/python3/dist-packages/\w+/|.*/encodings/|", file)[0] for file in files} - {""}:
    files |= {str(path) for path in Path(package).rglob("*.py")}
print(*sorted(files), sep="\n")
END
{ ldd $python; find "$root" -name '*.so' -exec ldd {} +; } | grep -o ' /lib[^ ]*' | sort -u |
  xargs cp -L --parents -t "$root"
ldd $python | grep -o '/lib[^ ]*/ld-[^ ]*' | xargs cp -L --parents -t "$root"
mkdir -p "$root"/{app,etc,usr/bin}
cp -L $python "$root/usr/bin/python3"
cp "$here/app.py" "$root/app/"
printf 'root:x:0:0::/:/\napp:x:1000:1000::/app:/\n' >"$root/etc/passwd"
# Times do not survive: what is compiled must be good without them.
$python -m compileall -q --invalidation-mode unchecked-hash -s "$root" "$root/usr/lib" "$root/app"

bash "$here/../../cli/setup/import-image.sh" "$1" "$2" "$root" \
  'WORKDIR /app' 'USER 1000' 'ENV PATH=/usr/bin' 'EXPOSE 8000' 'CMD ["python3","app.py"]'
