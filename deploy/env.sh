#!/usr/bin/env bash
# env.sh: prints, as shell exports, what Go needs to build and test passfail:  eval "$(deploy/env.sh)"
# env.sh COMMAND...: runs the command with them.
# env.sh --target ARCH RELEASE [COMMAND...]: the same for what is to run on ARCH and that release of Debian. Wants a sysroot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

target=
if [ "${1-}" = --target ]; then
  target=${2:?which architecture?}
  release=${3:?which release?}
  shift 3
fi
arch=${target:-$(machine)}

go=$("$here/go.sh" ${target:+--pinned} --find) || die "no Go toolchain that is new enough; 'make setup' fetches one"
tflite=$("$here/tflite.sh" --check "$arch") || die "TensorFlow Lite's library for $arch is missing or damaged; 'make setup' fetches it"
if [ -n "$target" ]; then
  sysroot=$("$here/sysroot.sh" --check "$arch" "$release") || die "the sysroot of Debian $release for $arch is missing or damaged; 'make setup-cross' makes it"
  prefix=$(triplet "$arch")
  export CC=$prefix-gcc-$gcc CXX=$prefix-g++-$gcc GOOS=linux GOARCH=$arch
  # OpenCV's headers put their own path into what they say of errors; it must not be this machine's.
  opencv="-I$sysroot/usr/include/opencv4"
  place="--sysroot=$sysroot -ffile-prefix-map=$sysroot= -ffile-prefix-map=$tflite=/usr"
  # -B: this machine's own compiler looks into this machine's folders before those of the sysroot. BLAS and LAPACK lie
  # where only ldconfig finds them.
  link="--sysroot=$sysroot -B$sysroot/usr/lib/$prefix -L$sysroot/usr/lib/$prefix -Wl,--allow-shlib-undefined"
else
  opencv=$(pkg-config --cflags opencv4) || die "OpenCV's headers are missing; 'make setup' installs them"
  place='' link=''
fi

export PATH="$go:$PATH"
export GOTOOLCHAIN=local # the one that was found; fetch none behind our back
export CGO_ENABLED=1
export CGO_CFLAGS="-O2 -g $place -I$tflite/include"
export CGO_CXXFLAGS="-O2 -g $place -I$tflite/include $opencv --std=c++11"
# Not pkg-config --libs: that names every OpenCV module with all that hangs on them, and four are used.
export CGO_LDFLAGS="-O2 -g $link -L$tflite/$arch -Wl,--as-needed -lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio"
# The tags keep GoCV from building, and linking, OpenCV's other modules. The version is stamped by the Makefile.
export GOFLAGS="-tags=customenv,gocv_specific_modules,gocv_videoio -buildvcs=false"
# For test binaries. bin/passfail finds its library by its own place.
[ -n "$target" ] || export LD_LIBRARY_PATH="$tflite/$arch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

if [ $# -gt 0 ]; then
  exec "$@"
fi
for name in PATH GOTOOLCHAIN CGO_ENABLED CC CXX GOOS GOARCH CGO_CFLAGS CGO_CXXFLAGS CGO_LDFLAGS GOFLAGS LD_LIBRARY_PATH; do
  [ -z "${!name+set}" ] || printf 'export %s=%q\n' "$name" "${!name}"
done
