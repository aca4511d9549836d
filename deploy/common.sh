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

# Makes a folder that is gone when the script ends, on the cache's own disk, so that what was made
# in it can be renamed into place whole.
scratch() {
  mkdir -p "$cache"
  tmp=$(mktemp -d "$cache/.new.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
}
