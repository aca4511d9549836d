#!/usr/bin/env bash
# packages.sh PACKAGE...: installs the Debian packages that are missing; asks nothing of the network when none is.
set -euo pipefail
. "$(dirname "$0")/common.sh"

missing=()
for package in "$@"; do
  status=$(dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null || true)
  grep -qx installed <<<"$status" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null ||
  die "this machine has no apt-get (Debian or Raspberry Pi OS expected), so nothing tells whether these are there: ${missing[*]}"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "these Debian packages are missing, and you are neither root nor is sudo there.
  As root, run:  apt-get install --no-install-recommends ${missing[*]}
  and then the same make again as yourself."
  as_root=(sudo)
fi

apt_get() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"; }

say "installing Debian packages: ${missing[*]}"
# A source of packages that cannot be reached need not be the one that these come from: install decides.
apt_get update >&2 || say "apt-get update failed; trying with the package lists that are here"
apt_get install -y --no-install-recommends "${missing[@]}" >&2 ||
  die "the Debian packages could not be installed: ${missing[*]}
  What apt-get said is above. Once that is mended (the network, the password for sudo, a full disk), run the same make again."
