#!/bin/bash
# Lists what the spawner API created.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/common.sh"
deploy GET
