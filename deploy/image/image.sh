#!/usr/bin/env bash
# image.sh RELEASE STATION.toml OUT.img: makes the image of a station's SD card, of the package in dist/RELEASE-arm64 and of what
# STATION.toml says. Wants what 'setup.sh cross' and 'setup.sh image' install. Needs root, and no loop device.
# image.sh --check STATION.toml: says what is wrong in it, and makes nothing.
#
# Four primary partitions, as the Pi's first stage wants them:
#   1  PF-BOOT    FAT32  firmware, kernel, initramfs, config.txt, cmdline.txt
#   2  pf-root-a  ext4   the system; read-only
#   3             -      room for a second system, for updates to come that switch between two
#   4  pf-data    ext4   all that is written; grows to the card's end at the first start
set -euo pipefail
. "$(dirname "$0")/../common.sh"

# station ARGUMENT...: the program in deploy/image/station. It takes neither OpenCV nor TensorFlow Lite.
station() {
  local go
  go=$(deploy/go.sh --pinned --find || deploy/go.sh --find) || die "there is no Go toolchain that is new enough; 'deploy/setup.sh cross arm64 bookworm' fetches one"
  PATH=$go:$PATH CGO_ENABLED=0 GOTOOLCHAIN=local go build -buildvcs=false -o "$tmp/bin/station" ./deploy/image/station
  "$tmp/bin/station" "$@" || exit 1
}

if [ "${1-}" = --check ]; then
  toml=$(realpath -m "${2:?which file?}")
  cd "$(dirname "$0")/../.."
  scratch
  station "$toml"
  [ "$(id -u)" -eq 0 ] || die "an image takes root: sudo make image"
  exit
fi

release=${1:?of which release?}
toml=$(realpath -m "${2:?for which station? deploy/image/station.toml is an example}")
out=$(realpath -m "${3:?into which file?}")
is_release "$release"
[ "$(id -u)" -eq 0 ] || die "an image takes root: sudo make image"
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
image=deploy/image

# In MiB. The data partition is only as large as it must be to start with.
first=4 boot=256 root=2048 data=256

scratch
station -out "$tmp/station" "$toml"
deb=$(package arm64 "$release")
archive=$($image/root.sh "$release" "$deb")

SOURCE_DATE_EPOCH=$(deploy/version.sh --time)
export SOURCE_DATE_EPOCH E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH
umask 022
tree=$tmp/root
mkdir -p "$tree" "$tmp/data/system/upper" "$tmp/data/system/work"

say "installing $(basename "$deb")"
tar -x --numeric-owner -C "$tree" -f "$archive"
cp "$deb" "$tree/tmp/passfail.deb"
install -m 755 $image/configure.sh "$tree/tmp/configure.sh"
cp -R "$tmp/station" "$tree/tmp/station"
# shellcheck disable=SC2016 # $1 is the inner shell's
$image/foreign.sh arm64 unshare --mount --pid --net --fork --kill-child bash -c '
  set -e
  mount -t proc proc "$1/proc"
  mount -t tmpfs tmpfs "$1/run"
  mount --rbind /dev "$1/dev"
  mount --rbind /sys "$1/sys" # inference asks there how many processors there are
  # Not by exec: the first process stays outside, by which ischroot, and so the packages, know that this is no running Pi.
  chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
    bash /tmp/configure.sh
  exit 0
' in "$tree" </dev/null &>"$tmp/log" || {
  cat "$tmp/log" >&2
  die "the system of the card could not be configured: see above"
}
rm -rf "$tree"/tmp/* "$tree"/var/log/*.log "$tree"/var/log/apt/* "$tree"/var/cache/ldconfig/* "${tree:?}"/dev/* "$tree"/run/*

# What the station keeps lies on the data partition from the start. A copy stays, with a model to judge by, for a station whose
# data partition is lost.
cp -a "$tree/var/lib/passfail" "$tmp/data/passfail"
mkdir "$tmp/boot"
cp -R "$tree/boot/firmware/." "$tmp/boot"
rm -rf "$tree/boot/firmware"/* "$tree"/boot/initrd.img-* "$tree"/boot/vmlinuz-*
for file in config.txt cmdline.txt; do
  [ -s "$tmp/boot/$file" ] || die "raspi-firmware has written no $file"
done
find "$tree" "$tmp/data" "$tmp/boot" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0r touch -h -d "@$SOURCE_DATE_EPOCH"

# id PART: a name that is always the same for the same version of Passfail.
id() { uuidgen --sha1 --namespace @url --name "passfail:$release:$SOURCE_DATE_EPOCH:$1"; }
# ext4 LABEL TREE MiB FILE: a file system that holds the tree. Blocks and journal are as for a large one, since the data grows.
ext4() {
  truncate -s "$3M" "$4"
  mke2fs -q -t ext4 -T default -b 4096 -J size=32 -m 1 -L "$1" -d "$2" -U "$(id "$1")" \
    -E "hash_seed=$(id "$1.seed"),root_owner=0:0,lazy_itable_init=0" "$4" ||
    die "what belongs on the partition $1 does not fit into $3 MiB"
}

say "assembling the card"
truncate -s "${boot}M" "$tmp/boot.img"
mkfs.vfat -F 32 -n PF-BOOT -i "$(id boot | cut -c 1-8)" --invariant "$tmp/boot.img" >/dev/null
(cd "$tmp/boot" && LC_ALL=C mcopy -s -m -i "$tmp/boot.img" ./* ::)
ext4 pf-root-a "$tree" $root "$tmp/root.img"
ext4 pf-data "$tmp/data" $data "$tmp/data.img"

truncate -s "$((first + boot + 2 * root + data))M" "$tmp/card.img"
sfdisk --quiet --no-tell-kernel "$tmp/card.img" <<TABLE
label: dos
label-id: 0x$(id disk | cut -c 1-8)
unit: sectors
start=$((first * 2048)), size=$((boot * 2048)), type=c, bootable
start=$(((first + boot) * 2048)), size=$((root * 2048)), type=83
start=$(((first + boot + root) * 2048)), size=$((root * 2048)), type=83
start=$(((first + boot + 2 * root) * 2048)), size=$((data * 2048)), type=83
TABLE
# put FILE MiB: writes it there, its empty parts as holes.
put() { dd if="$1" of="$tmp/card.img" bs=1M seek="$2" conv=notrunc,sparse status=none; }
put "$tmp/boot.img" $first
put "$tmp/root.img" $((first + boot))
put "$tmp/data.img" $((first + boot + 2 * root))
mkdir -p "$(dirname "$out")"
mv "$tmp/card.img" "$out.new"
mv "$out.new" "$out"
say "made $out: $(($(stat -c %s "$out") >> 20)) MiB, of which $(($(stat -c '%b * %B' "$out") >> 20)) MiB are filled"
echo "$out"
