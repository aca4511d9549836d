#!/usr/bin/env bash
# env.sh: prints, as shell exports, what Go needs to build and test passfail:  eval "$(deploy/env.sh)"
# env.sh COMMAND...: runs the command with them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

go=$("$here/go.sh" --find) || die "no Go toolchain that is new enough; 'make setup' fetches one"
tflite=$("$here/tflite.sh" --check) || die "TensorFlow Lite's library is missing or damaged; 'make setup' fetches it"
opencv=$(pkg-config --cflags opencv4) || die "OpenCV's headers are missing; 'make setup' installs them"
arch=$(machine)

export PATH="$go:$PATH"
export GOTOOLCHAIN=local # the one that was found; fetch none behind our back
export CGO_ENABLED=1
export CGO_CFLAGS="-O2 -g -I$tflite/include"
export CGO_CXXFLAGS="-O2 -g -I$tflite/include $opencv --std=c++11"
# Not pkg-config --libs: that names every OpenCV module with all that hangs on them, and four are used.
export CGO_LDFLAGS="-O2 -g -L$tflite/$arch -Wl,--as-needed -lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio"
# The tags keep GoCV from building, and linking, OpenCV's other modules. The version is stamped by the Makefile.
export GOFLAGS="-tags=customenv,gocv_specific_modules,gocv_videoio -buildvcs=false"
# For test binaries. bin/passfail finds its library by its own place.
export LD_LIBRARY_PATH="$tflite/$arch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

if [ $# -gt 0 ]; then
  exec "$@"
fi
for name in PATH GOTOOLCHAIN CGO_ENABLED CGO_CFLAGS CGO_CXXFLAGS CGO_LDFLAGS GOFLAGS LD_LIBRARY_PATH; do
  printf 'export %s=%q\n' "$name" "${!name}"
done
