#!/usr/bin/env bash
# test.sh RELEASE...: all tests of 'make flash': on loop devices, and on a station of each release in a container. Wants the packages
# that 'deb.sh ARCH RELEASE' makes for this machine's processor. The last line says how many checks passed and failed.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
cd "$(dirname "$0")/../.."

scratch
ended=0
{
  deploy/flash/device-test.sh "$1" || ended=$?
  for release in "$@"; do
    deploy/flash/host-test.sh "$release" || ended=$?
  done
  echo "ended=$ended"
} | tee "$tmp/said" | grep --line-buffered -v '^ended='
awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 } END { print passed + 0 " passed, " failed + 0 " failed" }' "$tmp/said"
grep -qx 'ended=0' "$tmp/said"
