#!/usr/bin/env bash
# device-test.sh RELEASE: tests 'make flash DEVICE=' on real block devices: loop devices, of which it makes its own and uses no other;
# in the end as a user would type it, which makes the image of that release. Needs root. What is decided by what lsblk says of real disks is tested in deploy/flash/card.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../checks.sh"
cd "$(dirname "$0")/../.."
release=${1:?of which release?}
is_release "$release"
[ "$(id -u)" -eq 0 ] || die "loop devices take root: sudo make flash-test"

scratch
loops=()
trap 'umount "$tmp/mounted" 2>/dev/null || true; [ ${#loops[@]} -eq 0 ] || losetup -d "${loops[@]}" || true; rm -rf "$tmp"' EXIT

# loop_ NAME SIZE [OPTION...]: sets loop to a new device of that size, full of old data.
loop_() {
  local name=$1 size=$2
  shift 2
  head -c "$size" /dev/zero | tr '\0' '\245' >"$tmp/$name"
  loop=$(losetup --find --show "$@" "$tmp/$name") || return 1
  loops+=("$loop")
}
if ! loop_ first 1M; then
  say "NOT TESTED: there are no loop devices here"
  exit
fi

# ends CODE PATTERN WHAT: the last command that 'said' ran ended so, and said that.
ends() {
  local code=$1 pattern=$2
  if [ "$code" = "$ended" ] && { [ -z "$pattern" ] || grep -qE -- "$pattern" "$tmp/said"; }; then
    ok "$3"
  else
    not_ok "$3: code $ended, expected $code and /$pattern/" <"$tmp/said"
  fi
}
run() {
  ended=0
  "$@" &>"$tmp/said" || ended=$?
}
device() { run deploy/flash/device.sh "$@"; }

# An image with something at both ends, holes between, and an end within a block.
head -c 3000000 /dev/urandom >"$tmp/image"
truncate -s 40M "$tmp/image"
head -c 1234567 /dev/urandom >>"$tmp/image"
export IMAGE=$tmp/image
size=$(stat -c %s "$tmp/image")

loop_ card 64M --partscan
card=$loop
YES=1 device "$card" </dev/null
ends 0 'is written, and reads back' "writes and verifies"
run cmp -n "$size" "$tmp/image" "$tmp/card"
ends 0 '' "byte by byte the image, holes too"
run cmp <(tail -c +$((size + 1)) "$tmp/card") <(head -c $((64 * 1024 * 1024 - size)) /dev/zero | tr '\0' '\245')
ends 0 '' "and nothing beyond it"
ln -s "$card" "$tmp/link"
YES=1 device "$tmp/link" </dev/null
ends 0 'is written, and reads back' "takes a link to the device"

before=$(sha256sum <"$tmp/card")
head -c 5000000 /dev/urandom >"$tmp/image2"
export IMAGE=$tmp/image2
device "$card" <<<"yes"
ends 1 'nothing was written' "wants the disk's name typed, no mere yes"
device "$card" </dev/null
ends 1 'nothing was written' "nobody to answer is a no"
run [ "$before" = "$(sha256sum <"$tmp/card")" ]
ends 0 '' "nothing was written then"
device "$card" <<<"$(basename "$card")"
ends 0 'All that is on it is lost|is overwritten with' "writes once the name is typed"
run cmp -n 5000000 "$tmp/image2" "$tmp/card"
ends 0 '' "byte by byte"

YES=1 device "${loops[0]}" </dev/null
ends 1 'holds .*, and the image has .*: take a larger card' "too small"
loop_ locked 64M --read-only
YES=1 device "$loop" </dev/null
ends 1 'is read-only' "read-only"

loop_ mounted.img 64M
mkfs.ext4 -q "$loop"
mkdir "$tmp/mounted"
mount "$loop" "$tmp/mounted"
YES=1 device "$loop" </dev/null
ends 1 "is mounted at $tmp/mounted.*sudo umount" "mounted"
umount "$tmp/mounted"

# Of the system's own disk and of a file nothing may be written, so these are only checked.
unset IMAGE
disk=$(findmnt -n -o SOURCE / | sed 's/\[.*//')
run dist/flash check "$disk"
ends 1 "in use by this machine's system|is not a disk, but lies on one|no such disk" "the disk of /"
device /dev/null </dev/null
ends 1 'no such disk' "no disk at all"
device /dev/nothing </dev/null
ends 1 "no such disk; 'make flash' lists" "no such device"
IMAGE=$tmp/none device "$card" </dev/null
ends 1 'there is no such file' "no such image"
device </dev/null
ends 1 'which one\? make flash DEVICE=' "without DEVICE lists what there is"

# With an image that is made now, onto a card of 8 GB, which is a file that holds what is written and no more.
made() {
  ended=0
  YES=1 make --no-print-directory flash DEVICE="$card" STATION="$1" RELEASE="$release" OUT="$tmp/fresh.img" </dev/null &>"$tmp/said" || ended=$?
}
truncate -s 8G "$tmp/large"
card=$(losetup --find --show --partscan "$tmp/large")
loops+=("$card")
made "$tmp/none.toml"
ends 2 'none.toml: no such file or directory; copy deploy/image/station.toml' "a station.toml that is not there"
# shellcheck disable=SC2016 # a hash has $ in it
printf 'hostname = "flashed"\n[user]\nname = "pi"\npassword = "$6$salt$%s"\n' "$(printf '%086d' 0)" >"$tmp/station.toml"
made "$tmp/station.toml"
ends 0 'is written, and reads back' "makes the image and writes it"
run cmp -n "$(stat -c %s "$tmp/fresh.img")" "$tmp/fresh.img" "$tmp/large"
ends 0 '' "byte by byte"

tally
