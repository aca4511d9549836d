#!/usr/bin/env bash
# deb-test.sh RELEASE: tests the package that 'deb.sh ARCH RELEASE' has made for this machine's processor: installs, upgrades,
# removes and purges it in a clean system of that release, with no network, and has lintian and systemd-analyze look at it.
# Needs root, for the chroot. The system is the one of deb-system.sh.
set -euo pipefail
. "$(dirname "$0")/common.sh"

release=${1:?of which release?}
is_release "$release"
arch=$(machine)
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || die "a chroot takes root: sudo make deb-test"
deb=$(package "$arch" "$release")

system=$(deploy/deb-system.sh "$release" "$deb")
scratch
say "installing $deb"
root=$tmp/root
mkdir "$root"
tar -x --numeric-owner -C "$root" -f "$system"
mkdir "$root/test"
cp "$deb" "$root/test/1.deb"
cp deploy/checks.sh deploy/deb/chroot-test.sh "$root/test/"
# The modules that are linked in, as the program itself tells it.
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp" ./usr/bin/passfail
"$(deploy/go.sh --pinned --find)/go" version -m "$tmp/usr/bin/passfail" | awk '$1 == "dep" { print $2 }' >"$root/test/modules"

# later NUMBER: the same package as a later version whose default configuration has a line more.
later() {
  local dir=$tmp/later-$1
  dpkg-deb --raw-extract "$root/test/1.deb" "$dir"
  sed -i "s/^Version: .*/&+later$1/" "$dir/DEBIAN/control"
  echo "# new in version $1" >>"$dir/etc/passfail/config.toml"
  dpkg-deb --build --root-owner-group -Znone "$dir" "$root/test/$1.deb" >/dev/null
  rm -rf "$dir"
}
later 2
later 3

# shellcheck disable=SC2016 # $1 is the inner shell's
# No network, no process of ours beside, and the mounts are gone with the last process.
unshare --mount --net --pid --fork --kill-child bash -c '
  set -e
  mount -t proc proc "$1/proc"
  mount -t tmpfs tmpfs "$1/run"
  mount --rbind /dev "$1/dev"
  exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive bash /test/chroot-test.sh
' in "$root" </dev/null
