#!/usr/bin/env bash
# test.sh [FLAG...]: runs every Go test, with go test's flags if any are given. Wants what setup.sh installs.
#
# With the race detector where it runs, and again without it the packages with tests that it would
# spoil (//go:build !race: counts of allocations, times).
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$(dirname "$0")/.."

# gotest FLAG...: go test, and what failed said once more at the end, where it is not lost between what libraries print.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
gotest() {
  deploy/env.sh go test "$@" 2>&1 | tee "$log" && return
  say "what failed:"
  grep -aE -A 6 '^ *--- FAIL|^panic:|^WARNING: DATA RACE|^FAIL[[:space:]]' "$log" | head -n 100 >&2 || true
  return 1
}

# On arm64 the detector needs a kernel with 48-bit addresses, which those of Raspberry Pi OS are not:
# so try it on a package of Go's own.
if ! why=$(deploy/env.sh go test -race -run '^$' errors 2>&1); then
  say "testing without the race detector, which does not run here: $why"
  gotest "$@" ./...
  exit
fi

gotest -race "$@" ./...

mapfile -t spoiled < <(grep -rlE --include='*_test.go' '^//go:build .*!race' . | xargs -r -n 1 dirname | sort -u)
if [ ${#spoiled[@]} -gt 0 ]; then
  say "and without the race detector: ${spoiled[*]}"
  gotest "$@" "${spoiled[@]}"
fi
