#!/usr/bin/env bash
# device.sh DISK: writes the image of a station's SD card to the card in that disk: makes the image (STATION=, RELEASE=, as for
# 'make image') or takes IMAGE=file.img, asks (YES=1: does not), writes, and reads back. Refuses all that is no card, or in use.
# device.sh: lists the cards that there are.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
cd "$(dirname "$0")/../.."

disk=${1-}
[ -z "${IMAGE-}" ] || [ -f "$IMAGE" ] || die "IMAGE=$IMAGE: there is no such file"
[[ ${IMAGE-} != *.xz && ${IMAGE-} != *.gz && ${IMAGE-} != *.zst ]] || die "IMAGE=$IMAGE is compressed; unpack it first"

deploy/packages.sh ca-certificates util-linux
go=$(deploy/go.sh)
flash=dist/flash
mkdir -p dist
PATH=$go:$PATH GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS='' go build -trimpath -o "$flash" ./deploy/flash

if [ -z "$disk" ]; then
  "$flash" list >&2
  die "which one? make flash DEVICE=/dev/…   (or, for a station that runs: make flash HOST=pi@station.local)"
fi
# Said before the image is made, which takes a while; and again right before it is written.
"$flash" check "$disk"

image=${IMAGE-}
if [ -z "$image" ]; then
  [ "$(id -u)" -eq 0 ] || die "making an image takes root: sudo make flash DEVICE=$disk (or, of an image that is there: make flash DEVICE=$disk IMAGE=file.img)"
  release=${RELEASE:-bookworm}
  is_release "$release"
  image=${OUT:-dist/$release-arm64/station.img}
  make --no-print-directory image RELEASE="$release" STATION="${STATION:-station.toml}" OUT="$image" >&2
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "writing $disk takes root, and sudo is not there; as root: make flash DEVICE=$disk IMAGE=$image"
  say "writing $disk takes root"
  as_root=(sudo)
fi
"${as_root[@]}" "$flash" ${YES:+-yes} write "$image" "$disk"
say "take the card out, put it into the Pi, and switch that on: the station comes up within some minutes (docs/flash.md)"
