#!/usr/bin/env bash
# emulate.sh ARCH RELEASE PROGRAM [ARGUMENT...]: runs a program that was built for ARCH and that release of Debian on this
# machine, with the libraries of its sysroot; under qemu where the processor is another one. Wants what setup.sh cross installs.
set -euo pipefail
. "$(dirname "$0")/common.sh"

arch=${1:?which architecture?}
release=${2:?which release?}
program=${3:?which program?}
shift 3

sysroot=$("$(dirname "$0")/sysroot.sh" --check "$arch" "$release") || die "there is no sysroot of Debian $release for $arch; 'make setup-cross' makes it"
lib=$sysroot/usr/lib/$(triplet "$arch")
# The folders that only an installed system's ldconfig knows of.
path=$(dirname "$program")/lib:$sysroot/lib/$(triplet "$arch"):$lib:$sysroot/usr/lib:$lib/blas:$lib/lapack:$lib/pulseaudio

if [ "$arch" = "$(machine)" ]; then
  loader=("$sysroot"/lib*/ld-linux-*.so.*)
  exec "${loader[0]}" --library-path "$path" "$program" "$@"
fi
case $arch in
  arm64) qemu="qemu-aarch64-static" ;;
  amd64) qemu="qemu-x86_64-static" ;;
esac
command -v "$qemu" >/dev/null || die "$qemu is needed to run $program here; 'make setup-cross' installs it"
exec "$qemu" -L "$sysroot" -E "LD_LIBRARY_PATH=$path" "$program" "$@"
