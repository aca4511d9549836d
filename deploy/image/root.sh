#!/usr/bin/env bash
# root.sh RELEASE DEB: prints the path of an archive that holds the root file system of a station's card: Debian RELEASE for arm64
# with kernel, the Pi's firmware, network, ssh and the packages that DEB depends on, but not DEB itself, and the files in root/
# laid over it. Makes it where it is missing, which takes some ten minutes and 300 MB to fetch; two minutes where only root/ is new.
# Needs root.
# MIRROR=… names another mirror of Debian than mmdebstrap's own choice.
set -euo pipefail
. "$(dirname "$0")/../common.sh"

release=${1:?of which release?}
deb=$(realpath "${2:?for which package?}")
is_release "$release"
cd "$(dirname "$0")"
[ "$(id -u)" -eq 0 ] || die "a root file system takes root: sudo make image"

packages=(
  systemd systemd-sysv systemd-timesyncd systemd-resolved libnss-resolve udev kmod dbus libpam-systemd
  linux-image-arm64 initramfs-tools busybox lz4 zstd e2fsprogs dosfstools fdisk
  raspi-firmware firmware-brcm80211 wireless-regdb
  iproute2 iputils-ping wpasupplicant iw avahi-daemon openssh-server
  sudo adduser passwd procps nano less man-db bash-completion ca-certificates tzdata
  v4l-utils gpiod gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-libcamera
)
# What the package depends on, without versions and second choices.
# shellcheck disable=SC2016 # ${…} is dpkg-query's
mapfile -t -O ${#packages[@]} packages < <(dpkg-deb --showformat '${Pre-Depends}, ${Depends}\n' --show "$deb" | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g; /^$/d' | sort -u)

# Leaves in the archive $1 all that the packages are, and no initramfs: that depends on root/, and takes minutes to make here.
make_base() {
  # shellcheck disable=SC2016 # $1 is the hook's
  ./foreign.sh arm64 unshare --mount --pid --fork --kill-child mmdebstrap --quiet --mode=root --variant=minbase --architectures=arm64 \
    --components=main,non-free-firmware --include="$(IFS=, && echo "${packages[*]}")" --skip=check/qemu,check/chroot \
    --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io --dpkgopt=force-confold \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --essential-hook='mkdir -p "$1/boot/firmware"' \
    --essential-hook='chroot "$1" dpkg-divert --quiet --local --rename --add /usr/sbin/update-initramfs && ln -s ../bin/true "$1/usr/sbin/update-initramfs"' \
    "$release" "$1" ${MIRROR:+"$MIRROR"} >&2 || die "the packages of the root file system could not be installed: see above"
}

# Makes of the base $1 the archive $2.
lay_over() {
  local tree=$tmp/tree
  mkdir "$tree"
  tar -x --numeric-owner -C "$tree" -f "$1"
  # A link that a package has there, as trixie has for /etc/default/locale, is replaced, not followed.
  cp -R --remove-destination --no-preserve=ownership root/. "$tree"
  # shellcheck disable=SC2016 # $1 is the inner shell's
  ./foreign.sh arm64 unshare --mount --pid --net --fork --kill-child bash -c '
    set -e
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/tmp"
    mount --rbind /dev "$1/dev"
    rm "$1/usr/sbin/update-initramfs"
    # Not by exec: the first process stays outside, by which ischroot, and so the packages, know that this is no running Pi.
    chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -ec "
      dpkg-divert --quiet --local --rename --remove /usr/sbin/update-initramfs
      update-initramfs -c -k all
    "
    exit 0
  ' in "$tree" </dev/null &>"$tmp/log" || {
    cat "$tmp/log" >&2
    die "the initramfs of the card could not be made: see above"
  }
  [ -s "$tree/boot/firmware/config.txt" ] || die "raspi-firmware has written no config.txt: $(cat "$tmp/log")"
  tar -c --numeric-owner -C "$tree" -f "$2" .
  rm -rf "$tree"
}

key() { sha256sum | cut -c 1-12; }
base=$cache/image/$release-arm64-$(printf '%s\n' 3 "$release" "${packages[@]}" | key).tar
archive=${base%.tar}-$({
  sha256sum "$(basename "$0")"
  find root -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | key).tar
if [ ! -e "$archive" ]; then
  umask 022
  scratch
  mkdir -p "$cache/image"
  if [ ! -e "$base" ]; then
    say "installing the packages of Debian $release for the card (some ten minutes, the first time)"
    make_base "$tmp/base.tar"
    mv "$tmp/base.tar" "$base"
  fi
  say "making the initramfs of the card"
  lay_over "$base" "$tmp/root.tar"
  rm -f "${base%.tar}"-*.tar # of an earlier root/
  mv "$tmp/root.tar" "$archive"
fi
echo "$archive"
