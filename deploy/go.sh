#!/usr/bin/env bash
# go.sh: prints the folder of a Go toolchain that is new enough, which it first fetches where there is none.
# go.sh --find: prints it, or fails; fetches nothing.
# go.sh --pinned, go.sh --pinned --find: the same for the very version that is named below, so that what is built is the same everywhere.
#
# Fetching: Debian's Go, old as it may be, downloads the toolchain as a module, as newer ones do by themselves.
set -euo pipefail
. "$(dirname "$0")/common.sh"

version=1.26.8
needed=$(sed -n 's/^go //p' "$(dirname "$0")/../go.mod")

# The module's checksums, as in go.sum.
declare -A sum=(
  [amd64]='h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM='
  [arm64]='h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc='
)

pinned=
if [ "${1-}" = --pinned ]; then
  pinned=yes
  shift
fi

ours=$cache/go$version

cd / # away from our go.mod, which an old Go cannot read

# new_enough GO: its own version is go.mod's or later, or the pinned one.
new_enough() {
  local has
  has=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  [ -z "$pinned" ] || [ "$has" = "go$version" ] || return 1
  [ "$(printf '%s\n' "$needed" "${has#go}" | sort -V | head -n 1)" = "$needed" ]
}

find_go() {
  local go
  for go in "$(command -v go || true)" /usr/local/go/bin/go "$ours/bin/go"; do
    if [ -x "$go" ] && new_enough "$go"; then
      dirname "$go"
      return
    fi
  done
  return 1
}

fetch_go() {
  local arch module got
  arch=$(machine)
  module=golang.org/toolchain@v0.0.1-go$version.linux-$arch
  scratch
  say "fetching Go $version"
  got=$(GOTOOLCHAIN=local GOFLAGS=-modcacherw GOMODCACHE=$tmp GOCACHE=$tmp/cache go mod download -json "$module") ||
    die "Go $version could not be fetched through the Go module proxy: $got
  Check the network (and GOPROXY, if you have set it), then run the same make again; or install Go $needed or later yourself."
  grep -qF "\"Sum\": \"${sum[$arch]}\"" <<<"$got" ||
    die "Go $version arrived damaged or changed (its checksum is not ${sum[$arch]}); nothing was kept. Run the same make again; if it stays so, look at what GOPROXY is."

  # A module holds no modes and no other go.mod: put back what go itself puts back (cmd/go/internal/toolchain).
  cd "$tmp/golang.org/toolchain@${module#*@}"
  chmod +x bin/* pkg/tool/*/*
  find . -name _go.mod -execdir mv {} go.mod \;
  cd /
  rm -rf "$ours"
  mv -T "$tmp/golang.org/toolchain@${module#*@}" "$ours"
}

find_go && exit
[ "${1-}" != --find ] || exit 1
fetch_go
find_go || die "the Go toolchain in $ours does not run; remove that folder and run the same make again"
