#!/usr/bin/env bash
# foreign.sh ARCH COMMAND...: runs a command where programs for ARCH run as this machine's own do: chroot, mmdebstrap.
# Under another processor that takes qemu-user-static and the kernel's binfmt_misc. Where the machine has no such entry, one is
# made for this command alone, in a user namespace of its own (as root, Linux 6.7 or newer).
set -euo pipefail
. "$(dirname "$0")/../common.sh"

arch=${1:?for which architecture?}
shift
[ "$arch" != "$(machine)" ] || exec "$@"
case $arch in
  arm64) cpu=aarch64 machine_code='\xb7' ;;
  amd64) cpu=x86_64 machine_code='\x3e' ;;
  *) die "ARCH=$arch: there are amd64 and arm64" ;;
esac
interpreter=$(command -v "qemu-$cpu-static") || die "qemu-$cpu-static is needed to run programs for $arch here; 'deploy/setup.sh image' installs it"
! grep -qs "qemu-$cpu" /proc/sys/fs/binfmt_misc/* || exec "$@"
[ "$(id -u)" -eq 0 ] || die "programs for $arch do not run here: no entry of binfmt_misc for qemu-$cpu. Run this as root, or install binfmt-support."

# An ELF file of 64 bits, little-endian, an executable or a library, for this processor. O: opened by the kernel; C: with the
# rights of the program; F: the interpreter is found from within a chroot too.
entry=":qemu-$cpu:M::"'\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00'"$machine_code"'\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$interpreter"':OCF'

scratch
mkfifo "$tmp/mapped"
# shellcheck disable=SC2016 # $1 and what follows are the inner shells'
unshare --user --mount bash -c '
  read -r <"$1" # until its users are mapped: root again from the next exec on
  exec bash -c '\''
    set -e
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    printf %s "$1" >/proc/sys/fs/binfmt_misc/register
    shift
    exec "$@"
  '\'' inner "${@:2}"
' outer "$tmp/mapped" "$entry" "$@" &
namespace=$!
until [ "$(readlink "/proc/$namespace/ns/user")" != "$(readlink /proc/self/ns/user)" ]; do
  kill -0 "$namespace" 2>/dev/null || die "no user namespace could be made here"
  sleep 0.01
done
echo '0 0 65536' >"/proc/$namespace/uid_map"
echo '0 0 65536' >"/proc/$namespace/gid_map"
echo >"$tmp/mapped"
wait "$namespace"
