#!/usr/bin/env bash
# sysroot.sh ARCH RELEASE: puts the libraries and headers of Debian RELEASE (bookworm, trixie) for ARCH (amd64, arm64)
# into the cache and prints the folder that holds them; fetches only what is missing or damaged.
# sysroot.sh --check ARCH RELEASE: prints the folder, or fails; fetches nothing.
#
# What is built against it runs on that release, whatever this machine runs. Beside usr/ there are
#   packages   the packages that it is made of: name, version and SHA-256 of each
#   shlibs     which package a program that needs a library depends on, as the packages themselves say it
#   sha256     of what a build reads; the rest is there so that what was built can be run, under qemu
# MIRROR=… names another mirror of Debian than mmdebstrap's own choice.
set -euo pipefail
. "$(dirname "$0")/common.sh"

check=
if [ "${1-}" = --check ]; then
  check=yes
  shift
fi
arch=${1:?for which architecture? amd64 or arm64}
release=${2:?of which release? bookworm or trixie}
case $arch in
  amd64 | arm64) ;;
  *) die "no sysroot for '$arch'; there are amd64 and arm64" ;;
esac
is_release "$release"

# OpenCV's single -dev packages are not enough: opencv.hpp includes the headers of them all.
packages=libopencv-dev,libc6-dev
# Not in the key: when it was made. A release changes little, and never what a program is linked with.
key=$(printf '%s\n' 2 "$arch" "$release" "$packages" | sha256sum | cut -c 1-12)
dir=$cache/sysroot/$release-$arch-$key

whole() { (cd "$dir" 2>/dev/null && sha256sum --check --status --strict sha256 2>/dev/null); }

make_sysroot() {
  local root=$tmp/root deb name
  # Extracting alone runs no program of the other architecture. The archives are kept: what they say is read below.
  mmdebstrap --quiet --variant=extract --architectures="$arch" --include="$packages" \
    --skip=check/qemu,cleanup/apt/cache --aptopt='Acquire::Languages "none"' "$release" "$root" ${MIRROR:+"$MIRROR"} >&2 ||
    die "the sysroot of Debian $release for $arch could not be made: see above. Check the network, then run the same make again."

  # A release whose / is merged into /usr packs only the latter.
  for name in lib lib64; do
    [ -e "$root/$name" ] || [ ! -e "$root/usr/$name" ] || ln -s "usr/$name" "$root/$name"
  done

  for deb in "$root"/var/cache/apt/archives/*.deb; do
    # shellcheck disable=SC2016 # ${…} is dpkg-deb's
    printf '%s %s\n' "$(dpkg-deb --showformat='${Package} ${Version}' --show "$deb")" "$(sha256sum <"$deb" | cut -d ' ' -f 1)"
  done | LC_ALL=C sort >"$root/packages"
  for deb in "$root"/var/cache/apt/archives/*.deb; do
    dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./shlibs 2>/dev/null || true # most have none
  done | grep -E '^[^ :]+ [^ ]+ [^ ]' | LC_ALL=C sort -u >"$root/shlibs"

  # A compiler and a linker ask for headers and libraries alone; OpenCV's static ones are half of all.
  (cd "$root" && rm -rf {bin,sbin,dev,etc,tmp,var} usr/{bin,sbin,games,share,libexec,local,src} usr/lib/*/libopencv_*.a)
  (cd "$root" && find . -type f \( -path './usr/include/*' -o -name 'libopencv_*' -o -name '*.o' -o -name 'lib[cm].*' \
    -o -name packages -o -name shlibs \) -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >sha256)
}

if ! whole; then
  [ -z "$check" ] || exit 1
  [ ! -e "$dir" ] || say "$dir is damaged; making it again"
  command -v mmdebstrap >/dev/null || die "mmdebstrap is needed to make a sysroot; 'make setup-cross' installs it"
  say "making a sysroot of Debian $release for $arch"
  scratch
  make_sysroot
  rm -rf "$dir"
  mkdir -p "$(dirname "$dir")"
  mv -T "$tmp/root" "$dir"
fi
echo "$dir"
