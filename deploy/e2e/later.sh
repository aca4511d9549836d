#!/usr/bin/env bash
# later.sh DEB OUT: makes a package of the same content and a later version, as an update of it. It is not compressed:
# an emulated Pi would unpack it for a minute.
set -euo pipefail
deb=${1:?of which package?}
out=${2:?where to?}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
dpkg-deb --raw-extract "$deb" "$dir/root"
sed -i 's/^Version: .*/&+later/' "$dir/root/DEBIAN/control"
dpkg-deb --build --root-owner-group -Znone "$dir/root" "$out" >/dev/null
