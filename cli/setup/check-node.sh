#!/bin/bash
# Says so, and ends with 1, where Node is older than what Reveille runs on.
version=$(node --version 2>/dev/null) || { echo "error: Reveille needs Node 20.19 or newer, and there is none here" >&2; exit 1; }
IFS=. read -r major minor _ <<<"${version#v}"
if [ "$major" -gt 20 ] || { [ "$major" = 20 ] && [ "$minor" -ge 19 ]; }; then exit 0; fi
echo "error: Reveille needs Node 20.19 or newer; this is $version" >&2
exit 1
