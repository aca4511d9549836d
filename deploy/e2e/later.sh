#!/usr/bin/env bash
# later.sh [--bad] DEB OUT: makes a package of the same content and a later version, as an update of it; --bad: one whose
# program ends at once. It is not compressed: an emulated Pi would unpack it for a minute.
set -euo pipefail
bad=
if [ "${1-}" = --bad ]; then
  bad=yes
  shift
fi
deb=${1:?of which package?}
out=${2:?where to?}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
dpkg-deb --raw-extract "$deb" "$dir/root"
sed -i "s/^Version: .*/&+later${bad:+.bad}/" "$dir/root/DEBIAN/control"
if [ -n "$bad" ]; then
  printf '#!/bin/sh\necho "a version that does not work"\nexit 1\n' >"$dir/root/usr/bin/passfail"
  (cd "$dir/root" && sed -i "s#^[0-9a-f]*\(  usr/bin/passfail\)\$#$(md5sum <usr/bin/passfail | cut -d ' ' -f 1)\1#" DEBIAN/md5sums)
fi
dpkg-deb --build --root-owner-group -Znone "$dir/root" "$out" >/dev/null
