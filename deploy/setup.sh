#!/usr/bin/env bash
# setup.sh build|run|test|lint: makes this machine ready for that; installs and fetches only what is missing.
# setup.sh cross ARCH RELEASE: the same for building what is to run on ARCH and that release of Debian.
# setup.sh image: the same for making the image of an SD card.
# setup.sh e2e: the same for the emulated Pi, beside what its image takes.
set -euo pipefail
. "$(dirname "$0")/common.sh"

purpose=${1:?which? build, run, test, lint, cross, image or e2e}
cd "$(dirname "$0")"

if [ "$purpose" = cross ]; then
  arch=${2:?which architecture?}
  release=${3:?which release?}
  is_release "$release"
  packages=(ca-certificates binutils mmdebstrap debian-archive-keyring)
  if [ "$arch" = "$(machine)" ]; then
    packages+=("gcc-$gcc" "g++-$gcc")
  else
    target=$(triplet "$arch")
    packages+=("gcc-$gcc-${target//_/-}" "g++-$gcc-${target//_/-}" qemu-user-static)
  fi
  ./go.sh --pinned --find >/dev/null || packages+=(golang-go)
  ./tflite.sh --check "$arch" >/dev/null || packages+=(maven unzip)
  ./packages.sh "${packages[@]}"
  ./go.sh --pinned >/dev/null
  ./tflite.sh "$arch" >/dev/null
  ./sysroot.sh "$arch" "$release" >/dev/null
  exit
fi

if [ "$purpose" = image ]; then
  packages=(mmdebstrap debian-archive-keyring e2fsprogs dosfstools mtools fdisk uuid-runtime util-linux)
  [ "$(machine)" = arm64 ] || packages+=(qemu-user-static)
  ./packages.sh "${packages[@]}"
  exit
fi

if [ "$purpose" = e2e ]; then
  target=$(triplet arm64)
  exec ./packages.sh qemu-system-arm qemu-utils mtools device-tree-compiler e2fsprogs make "gcc-$gcc-${target//_/-}" "binutils-${target//_/-}" debian-archive-keyring
fi

packages=(ca-certificates g++ pkg-config libopencv-dev)
case $purpose in
  build) ;;
  run | test) packages+=(gstreamer1.0-plugins-base gstreamer1.0-plugins-good) ;;
  lint) packages+=(shellcheck) ;;
  *) die "setup.sh $purpose: build, run, test, lint, cross, image or e2e expected" ;;
esac
# OpenCV reaches a Raspberry Pi's own camera through this.
! grep -qs '^Raspberry Pi' /proc/device-tree/model || packages+=(gstreamer1.0-libcamera)

# What only fetching needs is installed only where there is something to fetch.
./go.sh --find >/dev/null || packages+=(golang-go)
./tflite.sh --check >/dev/null || packages+=(maven unzip)

./packages.sh "${packages[@]}"
./go.sh >/dev/null
./tflite.sh >/dev/null
