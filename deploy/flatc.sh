#!/usr/bin/env bash
# flatc.sh: prints the path of FlatBuffers' compiler flatc, which it first builds where it is missing.
# flatc.sh --find: prints it, or fails; builds nothing.
#
# Built from the very module that go.mod names, which carries the compiler's source: so code and library are of one
# version on every machine. Debian's flatc is another version on each release, and writes other code.
set -euo pipefail
. "$(dirname "$0")/common.sh"

here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's|^\s*github.com/google/flatbuffers v\([^+ ]*\).*|\1|p' "$here/../go.mod")
flatc=$cache/flatc-$version/flatc

if [ ! -x "$flatc" ]; then
  [ "${1-}" != --find ] || exit 1
  say "building flatc $version"
  cd "$here/.."
  deploy/env.sh go mod download github.com/google/flatbuffers ||
    die "the module github.com/google/flatbuffers could not be fetched: see above. Check the network (and GOPROXY, if you have set it), then run the same make again."
  source=$(deploy/env.sh go list -m -f '{{.Dir}}' github.com/google/flatbuffers)
  scratch
  # shellcheck disable=SC2016 # $1 to $3 are those of the shell that sh starts
  find "$source/src" "$source/grpc/src/compiler" "$source/include/codegen" \( -name '*.cpp' -o -name '*.cc' \) -not -name flathash.cpp -print0 |
    xargs -0 -P "$(nproc)" -I{} sh -c 'g++ -std=c++17 -I"$1/include" -I"$1/grpc" -I"$1" -c "$2" -o "$3/$(basename "$2").o"' compile "$source" {} "$tmp" ||
    die "flatc $version could not be built: see above"
  g++ "$tmp"/*.o -o "$tmp/flatc"
  mkdir -p "$(dirname "$flatc")"
  mv "$tmp/flatc" "$flatc"
fi
echo "$flatc"
