#!/usr/bin/env bash
# service-test.sh RELEASE: boots a clean system of that release, with the package that 'deb.sh ARCH RELEASE' has made for this
# machine's processor, in a container with its own systemd, and tests the service there: it starts, is killed and
# comes back, hangs and is found out, reloads, stops, and goes on without a camera. Needs root.
set -euo pipefail
. "$(dirname "$0")/common.sh"

release=${1:?of which release?}
is_release "$release"
arch=$(machine)
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || die "a container takes root: sudo make deb-test"
deb=$(package "$arch" "$release")
command -v systemd-nspawn >/dev/null || die "systemd-nspawn is needed; 'make deb-test' installs it"

bootable "$release" || exit 0

system=$(deploy/deb-system.sh "$release" "$deb")
scratch
root=$tmp/root
mkdir "$root"
tar -x --numeric-owner -C "$root" -f "$system"
mkdir "$root/test"
cp "$deb" "$root/test/passfail.deb"
cp deploy/checks.sh deploy/deb/booted-test.sh "$root/test/"
# shellcheck disable=SC2016 # $1 is the inner shell's
unshare --mount --net --pid --fork --kill-child bash -c '
  set -e
  mount -t proc proc "$1/proc"
  mount -t tmpfs tmpfs "$1/run"
  chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends /test/passfail.deb
' in "$root" </dev/null &>"$tmp/log" || {
  cat "$tmp/log" >&2
  die "the package could not be installed: see above"
}

# Nobody wants to wait for the real watchdog and pauses.
mkdir -p "$root/etc/systemd/system/passfail.service.d" "$root/etc/systemd/system/multi-user.target.wants"
printf '[Service]\nWatchdogSec=4s\nRestartSec=1s\n' >"$root/etc/systemd/system/passfail.service.d/zz-test.conf"
printf '[Service]\nExecStart=/bin/bash /test/booted-test.sh\n' >"$root/etc/systemd/system/booted-test.service"
ln -s ../booted-test.service "$root/etc/systemd/system/multi-user.target.wants/"

say "booting Debian $release with $(basename "$deb")"
timeout 240 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network --console=pipe --boot \
  </dev/null &>"$tmp/console" || say "the container ended with code $?; its console: $(tail -n 3 "$tmp/console")"
cat "$root/test/result" || die "nothing was tested: $(tail -n 20 "$tmp/console")"
grep -qE '^[0-9]+ passed, 0 failed$' "$root/test/result"
