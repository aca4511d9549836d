#!/usr/bin/env bash
# host.sh USER@STATION: installs or updates Passfail on a station that runs, over ssh: asks it what it runs, makes the package for
# that (or takes DEB=file.deb), copies it, and has update.sh install it there, which watches that the station judges a frame within
# a minute (WITHIN=seconds) and otherwise puts the version of before back. A connection that breaks meanwhile does no harm.
# Ends with 0 updated, 1 refused or nothing changed, 3 taken back, 4 taken back and the station is not as it was, 5 not known.
# SSH="ssh -p 2222 -i key" names another way to connect.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
cd "$(dirname "$0")/../.."

host=${1:?which station? make flash HOST=pi@station.local}
within=${WITHIN:-60}
patience=${PATIENCE:-900} # seconds in which a lost station may come back; it may have to start anew
[[ $host != -* ]] || die "HOST=$host: a name such as pi@station.local expected"
[[ $within =~ ^[1-9][0-9]*$ ]] || die "WITHIN=$within: seconds expected"
[ -z "${DEB-}" ] || [ -e "$DEB" ] || die "DEB=$DEB: there is no such file"
read -ra ssh <<<"${SSH:-ssh}"
command -v "${ssh[0]}" >/dev/null || die "${ssh[0]} is needed: sudo apt-get install openssh-client"

scratch
# A password or a passphrase is asked for once. A connection that is gone is noticed within a quarter of a minute.
ssh+=(-o ConnectTimeout=15 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o ControlMaster=auto -o ControlPersist=30 -o "ControlPath=$tmp/ssh")
trap '"${ssh[@]}" -O exit "$host" 2>/dev/null || true; rm -rf "$tmp"' EXIT

remote() { "${ssh[@]}" "$host" "$@"; }

# ask: what is there, a line each: NAME=VALUE.
ask() {
  remote sh -s <<'PROBE'
  . /etc/os-release
  echo "release=${VERSION_CODENAME-}"
  echo "system=${PRETTY_NAME-}"
  echo "arch=$(dpkg --print-architecture 2>/dev/null)"
  echo "installed=$(dpkg-query -W -f='${db:Status-Status} ${Version}' passfail 2>/dev/null | sed -n 's/^installed //p')"
  [ -d /run/systemd/system ] && echo systemd=yes
  if [ "$(id -u)" -eq 0 ]; then echo root=yes; elif sudo -n true 2>/dev/null; then echo root=sudo; fi
  echo "free=$(df --output=avail -k /var/lib | tail -n 1 | tr -d ' ')"
PROBE
}

say "asking $host what it runs"
declare -A there=()
answer=$(ask) || die "$host cannot be reached by ssh, see above: is it switched on, is the name right, and does '${SSH:-ssh} $host' work?"
while IFS='=' read -r name value; do
  [ -z "$name" ] || there[$name]=$value
done <<<"$answer"
[ -n "${there[arch]-}" ] || die "$host has no dpkg: ${there[system]-an unknown system}; Debian or Raspberry Pi OS is needed"
case ${there[arch]} in
  arm64 | amd64) ;;
  *) die "the programs of $host are ${there[arch]}: Passfail needs the 64-bit Raspberry Pi OS or Debian" ;;
esac
(is_release "${there[release]}" 2>/dev/null) || die "$host runs ${there[system]} (${there[release]:-no name}); there are packages for ${releases[*]}"
[ -n "${there[systemd]-}" ] || die "no systemd runs on $host"
case ${there[root]-} in
  yes) sudo='' ;;
  sudo) sudo='sudo -n ' ;;
  *) die "${host%@*} may not become root on $host without a password: allow it there (echo '${host%@*} ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/passfail-flash), or use root@${host#*@}" ;;
esac
say "$host: ${there[system]}, ${there[arch]}, passfail ${there[installed]:-not installed}"

deb=${DEB-}
if [ -z "$deb" ]; then
  make --no-print-directory deb ARCH="${there[arch]}" RELEASE="${there[release]}" >&2
  deb=$(package "${there[arch]}" "${there[release]}")
fi
[ -e "$deb" ] || die "$deb was not made"
arch=$(dpkg-deb --field "$deb" Architecture) || die "$deb is no Debian package"
[ "$arch" = "${there[arch]}" ] || die "$deb is for $arch, and $host is ${there[arch]}"
size=$(($(stat -c %s "$deb") / 1024))
[ "${there[free]:-0}" -gt "$size" ] || die "$host has $((there[free] / 1024)) MiB free at /var/lib, and the package alone has $((size / 1024)): make room there first"

id=$(date +%Y%m%d-%H%M%S)-$$
place=/var/lib/passfail-update
say "copying $(basename "$deb") ($((size / 1024)) MiB)"
mkdir "$tmp/incoming"
cp deploy/flash/update*.sh deploy/systemd/passfail-update.service "$tmp/incoming/"
cp "$deb" "$tmp/incoming/passfail.deb"
(cd "$tmp/incoming" && sha256sum -- * >sha256)
tar -C "$tmp/incoming" -c . | remote "${sudo}sh -c 'set -e; umask 077; mkdir -p $place/incoming/$id; cd $place/incoming/$id; tar -x --no-same-owner; sha256sum --check --quiet sha256'" ||
  die "the package could not be copied, see above; nothing was changed on $host"

say "installing it; the line stands for some seconds"
code=0
remote "${sudo}bash $place/incoming/$id/update.sh install --id $id --within $within $place/incoming/$id/passfail.deb" </dev/null || code=$?

# ssh itself ends with 255, and what a signal ended on the way with more than 128. The update goes on without us.
end=$((SECONDS + patience))
while [ "$code" -ge 128 ] && [ "$SECONDS" -lt "$end" ]; do
  say "the connection to $host broke; the update goes on there by itself. Connecting again"
  "${ssh[@]}" -O exit "$host" 2>/dev/null || true
  sleep 5
  code=0
  remote "${sudo}bash $place/update.sh follow $id" </dev/null || code=$?
done
case $code in
  0) say "$host is up to date" ;;
  1) say "$host was not updated: see above" ;;
  3) say "$host was not updated: the new version failed and was taken back; what its journal said is above, and on $host in $place/journal" ;;
  4) say "$host needs a look: ${SSH:-ssh} $host, then: journalctl -u passfail -n 100; $place/log says what was done" ;;
  *)
    say "how the update ended is not known (code $code). Ask it once $host answers: ${SSH:-ssh} $host ${sudo}bash $place/update.sh follow $id"
    code=5
    ;;
esac
exit "$code"
