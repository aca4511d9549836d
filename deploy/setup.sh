#!/usr/bin/env bash
# setup.sh build|run|test|lint: makes this machine ready for that; installs and fetches only what is missing.
set -euo pipefail
. "$(dirname "$0")/common.sh"

purpose=${1:?which? build, run, test or lint}
cd "$(dirname "$0")"

packages=(ca-certificates g++ pkg-config libopencv-dev)
case $purpose in
  build) ;;
  run | test) packages+=(gstreamer1.0-plugins-base gstreamer1.0-plugins-good) ;;
  lint) packages+=(shellcheck) ;;
  *) die "setup.sh $purpose: build, run, test or lint expected" ;;
esac
# OpenCV reaches a Raspberry Pi's own camera through this.
! grep -qs '^Raspberry Pi' /proc/device-tree/model || packages+=(gstreamer1.0-libcamera)

# What only fetching needs is installed only where there is something to fetch.
./go.sh --find >/dev/null || packages+=(golang-go)
./tflite.sh --check >/dev/null || packages+=(maven unzip)

./packages.sh "${packages[@]}"
./go.sh >/dev/null
./tflite.sh >/dev/null
