# shellcheck shell=bash
# What the scripts beside this file share. Sourced, not run.

# Everything that set-up fetches, and can fetch again, lies here.
cache=${XDG_CACHE_HOME:-${HOME:?is not set, so there is no place for the cache}/.cache}/passfail

say() { printf 'passfail: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# The machine's architecture in Go's and Debian's word for it. Asked of dpkg first: a Raspberry Pi
# may run 32-bit programs under a 64-bit kernel.
machine() {
  local name
  name=$(dpkg --print-architecture 2>/dev/null || uname -m)
  case $name in
    amd64 | x86_64) echo amd64 ;;
    arm64 | aarch64) echo arm64 ;;
    *) die "this machine's programs are $name; passfail needs a 64-bit system (on a Raspberry Pi: the 64-bit image of Raspberry Pi OS)" ;;
  esac
}

# The releases of Debian that Passfail is built for. Raspberry Pi OS 12 and 13 follow them.
releases=(bookworm trixie)

is_release() {
  local r
  for r in "${releases[@]}"; do
    [ "$r" != "$1" ] || return 0
  done
  die "RELEASE=$1: there are ${releases[*]}"
}

# triplet ARCH: what Debian's compilers for it are called.
triplet() {
  case $1 in
    amd64) echo x86_64-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    *) die "ARCH=$1: there are amd64 and arm64" ;;
  esac
}

# Both releases have this compiler, for themselves and for each other's architecture: so a program comes out the same on both.
# shellcheck disable=SC2034 # used by those who source this
gcc=12

# package ARCH RELEASE: the package that 'deb.sh ARCH RELEASE' has made, as a path from the repository's root.
package() {
  local debs=("dist/$2-$1"/passfail_*_"$1".deb)
  [ -e "${debs[0]}" ] || die "there is no package in dist/$2-$1; 'make deb ARCH=$1 RELEASE=$2' makes it"
  echo "${debs[0]}"
}

# bootable RELEASE: makes ready to boot a system of that release in systemd-nspawn, or fails where this machine cannot.
bootable() {
  [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || return 0
  # systemd 256 and later does not boot on control groups of the first version.
  if [ "$1" != bookworm ]; then
    say "not tested: a systemd as new as $1's does not run under this machine's control groups"
    return 1
  fi
  export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0
}

# Makes a folder that is gone when the script ends, on the cache's own disk, so that what was made
# in it can be renamed into place whole.
scratch() {
  mkdir -p "$cache"
  tmp=$(mktemp -d "$cache/.new.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
}
