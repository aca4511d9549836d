#!/usr/bin/env bash
# build.sh: builds bin/passfail for this machine, with the library that it needs in bin/lib. Wants what setup.sh installs.
# build.sh ARCH RELEASE: builds dist/RELEASE-ARCH/passfail for that architecture and release of Debian, with its library
# beside it in lib/ and what it was built with in the file built-with. Wants what setup.sh cross installs.
#
# The second way gives the same bytes wherever it is done: no path, time or build id is in them, and Go, compiler
# and sysroot are named.
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$(dirname "$0")/.."

version=$(deploy/version.sh)

# The library is looked for beside the binary, or where a package puts it: so passfail runs from
# anywhere, and after sudo, which drops LD_LIBRARY_PATH.
# shellcheck disable=SC2016 # $ORIGIN is the dynamic loader's
rpath='$ORIGIN/lib:$ORIGIN/../lib/passfail'

if [ $# -eq 0 ]; then
  arch=$(machine)
  out=bin
  deploy/env.sh go build -trimpath -ldflags "-X main.version=$version -extldflags '-Wl,-rpath,$rpath'" -o "$out/passfail" ./cmd/passfail
else
  arch=$1
  release=${2:?of which release?}
  is_release "$release"
  out=dist/$release-$arch
  deploy/env.sh --target "$arch" "$release" go build -trimpath -buildmode=pie \
    -ldflags "-s -w -buildid= -X main.version=$version -extldflags '-Wl,-rpath,$rpath -Wl,--build-id=none'" -o "$out/passfail" ./cmd/passfail
  {
    "$(deploy/go.sh --pinned --find)/go" version
    "$(triplet "$arch")-gcc-$gcc" --version | head -n 1
    "$(triplet "$arch")-ld" --version | head -n 1
    grep -E '^(libopencv-dev|libc6-dev) ' "$(deploy/sysroot.sh --check "$arch" "$release")/packages"
  } >"$out/built-with"
fi

library=$(deploy/tflite.sh --check "$arch")/$arch/libtensorflowlite_c.so
cmp -s "$library" "$out/lib/libtensorflowlite_c.so" || install -D -m 755 "$library" "$out/lib/libtensorflowlite_c.so"
