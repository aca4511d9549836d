#!/usr/bin/env bash
# v4l2loopback.sh RELEASE KERNEL: prints the path of v4l2loopback.ko, a camera whose pictures another program delivers, for
# that kernel of Debian's for arm64 (6.1.0-56-arm64); builds it where it is missing. It is for the emulated Pi. Wants what
# setup.sh e2e installs. The packages come from where this machine's own apt has Debian's; MIRROR=… names another mirror.
set -euo pipefail
. "$(dirname "$0")/common.sh"

release=${1:?for which release?}
kernel=${2:?for which kernel?}
is_release "$release"
[[ $kernel == *-arm64 ]] || die "kernel $kernel: one of Debian's for arm64 is wanted, such as 6.1.0-56-arm64"
key=$(printf '%s\n' 1 "$release" "$kernel" "$gcc" | sha256sum | cut -c 1-12)
module=$cache/v4l2loopback/$kernel-$key.ko
if [ -e "$module" ]; then
  echo "$module"
  exit
fi

# shellcheck disable=SC2016 # $(REPO_URI) is apt's
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
[ -n "$mirror" ] || die "this machine's apt knows no mirror of Debian: name one by MIRROR="
mirror=${mirror%/}
say "building v4l2loopback for Linux $kernel"
scratch
mkdir -p "$tmp"/{lists,cache/archives}/partial "$tmp/debs" "$tmp/root"
signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
cat >"$tmp/sources.list" <<LIST
deb $signed $mirror $release main
deb $signed $mirror $release-updates main
deb $signed ${mirror%/debian}/debian-security $release-security main
LIST

# Lists and packages of two architectures, beside this machine's own apt, of which nothing changes.
apt() {
  local tool=$1
  shift
  "$tool" -q -o Dir::Etc::SourceList="$tmp/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$tmp/lists" -o Dir::State::Status=/dev/null \
    -o Dir::Cache="$tmp/cache" -o APT::Architecture="$(machine)" -o APT::Architectures::="$(machine)" -o APT::Architectures::=arm64 \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

build() {
  local needs sources headers
  apt apt-get update
  # The headers of this flavour, those of all flavours, and the programs of the kernel's own build, which run here.
  mapfile -t needs < <(apt apt-cache depends "linux-headers-$kernel:arm64" | sed -n 's/^ *Depends: <\?\(linux-\(headers\|kbuild\)[^:>]*\).*/\1/p')
  if [ ${#needs[@]} -lt 2 ]; then
    echo "Debian $release has no headers of Linux $kernel (any more): make the image anew, with the kernel that it has"
    return 1
  fi
  (cd "$tmp/debs" && apt apt-get download "linux-headers-$kernel:arm64" "${needs[@]}" v4l2loopback-dkms)
  for deb in "$tmp"/debs/*.deb; do dpkg-deb -x "$deb" "$tmp/root"; done
  sources=("$tmp"/root/usr/src/v4l2loopback-*)
  headers=$tmp/root/usr/src/linux-headers-$kernel
  # Debian's makefile includes that of all flavours, and that the kbuild, by their places in a system.
  sed -i "s#/usr/\(src\|lib\)/#$tmp/root/usr/\1/#" "$headers/Makefile"
  # Trixie's kernel was compiled by a newer compiler, and asks for what that alone knows.
  make -C "$headers" M="${sources[0]}" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC="aarch64-linux-gnu-gcc-$gcc" CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= modules
  mv "${sources[0]}/v4l2loopback.ko" "$tmp/"
}

# In a shell of its own: what is the condition of an if does not stop at errors.
set +e
(set -e; build) >"$tmp/log" 2>&1
status=$?
set -e
if [ $status -ne 0 ]; then
  tail -n 30 "$tmp/log" >&2
  die "v4l2loopback could not be built: see above"
fi
mkdir -p "$(dirname "$module")"
mv "$tmp/v4l2loopback.ko" "$module"
echo "$module"
