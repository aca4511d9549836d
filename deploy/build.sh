#!/usr/bin/env bash
# build.sh: builds bin/passfail, with the library that it needs in bin/lib. Wants what setup.sh installs.
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$(dirname "$0")/.."

# A package made from a source archive has a file VERSION instead of git's history.
version=$(git describe --tags --always --dirty 2>/dev/null || cat VERSION 2>/dev/null || echo unknown)

# The library is looked for beside the binary, or where a package puts it: so passfail runs from
# anywhere, and after sudo, which drops LD_LIBRARY_PATH.
# shellcheck disable=SC2016 # $ORIGIN is the dynamic loader's
rpath='$ORIGIN/lib:$ORIGIN/../lib/passfail'

deploy/env.sh go build -trimpath -ldflags "-X main.version=$version -extldflags '-Wl,-rpath,$rpath'" -o bin/passfail ./cmd/passfail

library=$(deploy/tflite.sh --check)/$(machine)/libtensorflowlite_c.so
cmp -s "$library" bin/lib/libtensorflowlite_c.so || install -D -m 755 "$library" bin/lib/libtensorflowlite_c.so
