#!/usr/bin/env bash
# deb-system.sh RELEASE DEB: prints the path of an archive that holds a small system of that release for this machine's
# processor, with the packages that DEB depends on beside it, not installed; makes it where it is missing. Needs root.
set -euo pipefail
. "$(dirname "$0")/common.sh"

release=${1:?of which release?}
deb=${2:?for which package?}
is_release "$release"
[ "$(id -u)" -eq 0 ] || die "a system of its own takes root: sudo make deb-test"

key=$(printf '%s\n' 2 "$(dpkg-deb --field "$deb" Pre-Depends Depends)" | sha256sum | cut -c 1-12)
system=$cache/chroot/$release-$(machine)-$key.tar
if [ ! -e "$system" ]; then
  say "making a system of Debian $release to install into"
  scratch
  mkdir -p "$(dirname "$system")"
  # shellcheck disable=SC2016 # $1 is the hook's
  mmdebstrap --quiet --variant=minbase --architectures="$(machine)" --include=systemd,systemd-sysv,udev,lintian,man-db,bash-completion,ca-certificates,openssh-server,sudo \
    --skip=cleanup/apt --aptopt='Acquire::Languages "none"' --customize-hook="copy-in $deb /tmp" \
    --customize-hook='chroot "$1" sh -c "apt-get install -y -qq --no-install-recommends --download-only /tmp/passfail_*.deb && rm /tmp/passfail_*.deb"' \
    "$release" "$tmp/system.tar" ${MIRROR:+"$MIRROR"} >&2 || die "the system could not be made: see above"
  mv "$tmp/system.tar" "$system"
fi
echo "$system"
