#!/usr/bin/env bash
# venv.sh NAME REQUIREMENTS: makes the Python virtual environment NAME in the cache, holding what the file
# REQUIREMENTS lists, and prints its folder. Does nothing where it is there and the file has not changed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

name=${1:?which virtual environment?}
requirements=${2:?which file of requirements?}
[ -e "$requirements" ] || die "$requirements: no such file of Python requirements"

# A Python of its own version, so that one made for another is made again.
made_of() { { python3 --version && cat "$requirements"; } 2>/dev/null | sha256sum; }

venv=$cache/venv/$name
if ! { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/made-of" 2>/dev/null)" = "$(made_of)" ]; }; then
  python3 -c 'import ensurepip, venv' 2>/dev/null || "$(dirname "$0")/packages.sh" ca-certificates python3 python3-venv
  say "making the Python environment '$name'"
  rm -rf "$venv"
  python3 -m venv "$venv" >&2
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$requirements" >&2 ||
    die "what $requirements lists could not be installed: see above. Check the network, then run the same make again."
  made_of >"$venv/made-of" # last: one without it was broken off
fi
echo "$venv"
