#!/usr/bin/env bash
# host-test.sh RELEASE: tests 'make flash HOST=' against a clean system of that release that is booted in a container, with its own
# systemd and sshd, with the package that 'deb.sh ARCH RELEASE' has made for this machine's processor, and with others that were
# made bad: updates, updates that fail in every way and are taken back, a cut connection, and the container killed in each phase.
# Needs root. The container has a network of its own, which ends where it begins.
#
# A container that is killed loses its processes, and not what the kernel has yet to write: the emulated Pi loses both.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../checks.sh"

release=${1:?of which release?}
is_release "$release"
arch=$(machine)
cd "$(dirname "$0")/../.."
[ "$(id -u)" -eq 0 ] || die "a container takes root: sudo make flash-test"
deb=$(package "$arch" "$release")
bootable "$release" || exit 0
if [ "${2-}" != inside ]; then
  system=$(deploy/deb-system.sh "$release" "$deb")
  exec unshare --net bash deploy/flash/host-test.sh "$release" inside "$system"
fi
system=$3
ip link set lo up

scratch
container=''
trap 'jobs -p | xargs -r kill -KILL 2>/dev/null || true; wait; rm -rf "$tmp"' EXIT
root=$tmp/root
state=$root/var/lib/passfail-update

# until_ SECONDS COMMAND...: the command succeeds in that time.
until_() {
  local end=$((SECONDS + $1))
  shift
  until "$@" &>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# --- packages

# variant NAME SCRIPT: the package as version +NAME, after SCRIPT changed it, in the folder of its files.
variant() {
  local dir=$tmp/$1
  dpkg-deb --raw-extract "$deb" "$dir"
  sed -i "s/^Version: .*/&+$1/" "$dir/DEBIAN/control"
  (cd "$dir" && bash -e -c "$2" && find usr etc -type f -not -path etc/passfail/config.toml -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  dpkg-deb --build --root-owner-group -Znone "$dir" "$tmp/$1.deb" >/dev/null
  rm -rf "$dir"
}
say "making packages, good and bad"
for n in 2 3 4 5; do
  variant "good$n" "echo '# new in version $n' >>etc/passfail/config.toml"
done
variant crash5 'cp /bin/false usr/bin/passfail'
variant mute5 'cp /bin/sleep usr/bin/passfail; sed -i "/^ExecStopPost/d; /^WatchdogSec/d; s/^Type=.*/Type=exec/; s/^ExecStart=.*/ExecStart=\/usr\/bin\/passfail infinity/" usr/lib/systemd/system/passfail.service'
variant blind5 'sed "s/^source = .*/source = \"\/dev\/video9\"/" etc/passfail/config.toml >usr/share/passfail/blind.toml; sed -i "s/^ExecStart=.*/ExecStart=\/usr\/bin\/passfail run --config \/usr\/share\/passfail\/blind.toml/" usr/lib/systemd/system/passfail.service'
variant scripts5 'printf "#!/bin/sh\necho nonsense = 1 >>/etc/passfail/config.toml\nexit 1\n" >DEBIAN/postinst; printf "#!/bin/sh\nexit 1\n" >DEBIAN/prerm; cp DEBIAN/prerm DEBIAN/postrm'
variant needs5 'sed -i "s/^Depends: /&passfail-of-no-archive, /" DEBIAN/control'
variant more5 'sed -i "s/^Depends: /&passfail-more, /" DEBIAN/control'
head -c 3000000 "$tmp/good5.deb" >"$tmp/damaged.deb"

# --- the station

ssh-keygen -q -t ed25519 -N '' -f "$tmp/key"
export SSH="ssh -i $tmp/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=$tmp/known -o LogLevel=ERROR"
read -ra ssh <<<"$SSH"
inside() { "${ssh[@]}" -o ConnectTimeout=3 pi@127.0.0.1 "sudo -n bash -c $(printf %q "$*")"; }

make_station() {
  mkdir "$root"
  tar -x --numeric-owner -C "$root" -f "$system"
  mkdir "$root/test"
  cp "$deb" "$root/test/passfail.deb"
  # shellcheck disable=SC2016 # $1 is the inner shell's
  unshare --mount --net --pid --fork --kill-child bash -c '
    set -e
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/run"
    chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive sh -ec "
      apt-get install -y -qq --no-install-recommends /test/passfail.deb
      useradd --create-home --shell /bin/bash pi"
  ' in "$root" </dev/null &>"$tmp/log" || {
    cat "$tmp/log" >&2
    die "the package could not be installed: see above"
  }
  rm -r "$root/test"
  install -d -m 700 -o 1000 -g 1000 "$root/home/pi/.ssh"
  install -m 600 -o 1000 -g 1000 "$tmp/key.pub" "$root/home/pi/.ssh/authorized_keys"
  echo 'pi ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/pi"
  echo '127.0.1.1 station' >>"$root/etc/hosts"
  echo station >"$root/etc/hostname"
  echo '# changed by a technician' >>"$root/etc/passfail/config.toml"
  cp "$root/etc/passfail/config.toml" "$tmp/config.toml"
}

boot() {
  systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --console=pipe --boot </dev/null &>>"$tmp/console" &
  container=$!
  until_ 60 inside true || die "the container does not come up: $(tail -n 5 "$tmp/console")"
}

# cut_power: all that runs in the container is gone at once.
cut_power() {
  local leader
  leader=$(cut -d ' ' -f 1 "/proc/$container/task/$container/children")
  kill -KILL "$leader"
  wait "$container" 2>/dev/null || true
  container=''
}

# flash NAME [WITHIN]: as 'make flash HOST=' does; what it said is in $tmp/said. The code that it ends with is printed.
flash() {
  local code=0
  DEB=$tmp/$1.deb WITHIN=${2:-15} deploy/flash/host.sh pi@127.0.0.1 </dev/null &>"$tmp/said" || code=$?
  echo "$code"
}
ends() { # ends CODE NAME [WITHIN]: flash does
  local code
  code=$(flash "${@:2}")
  [ "$code" -eq "$1" ] || { echo "code $code, $1 expected"; cat "$tmp/said"; false; }
}
said() { grep -E -- "$1" "$tmp/said" || { cat "$tmp/said"; false; }; }
version_is() { [[ $(inside "dpkg-query -W -f='\${Version}' passfail") == *$1 ]]; }
judges() { until_ 30 inside "systemctl show -P StatusText passfail | grep -E '^[1-9][0-9]* inspected, '"; }
process() { inside "systemctl show -P MainPID passfail"; }
# whole SUFFIX: this version is installed, complete, and nothing of an update is left under way; the configuration is the technician's.
whole() {
  version_is "$1" || { inside "dpkg -l passfail" | tail -n 1; return 1; }
  # shellcheck disable=SC2016 # expanded there
  inside '[ -z "$(dpkg --audit)" ] && ! dpkg --verify passfail | grep -v "^.\{9\} c "' || { echo "dpkg complains"; return 1; }
  inside '! ls -d /var/lib/passfail-update/running /etc/systemd/system/passfail-update.service /etc/systemd/system/multi-user.target.wants/passfail-update.service 2>/dev/null' || return 1
  cmp "$tmp/config.toml" "$root/etc/passfail/config.toml" || return 1
  [ "$(inside 'find /var/lib/passfail/models -type f -exec sha256sum {} + | sort')" = "$models" ] || { echo "other models"; return 1; }
}
well() { whole "$1" && judges; }

say "booting Debian $release with $(basename "$deb")"
make_station
boot
models=$(inside 'find /var/lib/passfail/models -type f -exec sha256sum {} + | sort')
check "the station judges" judges

check "first update: ends with 0" ends 0 good2
check "the version before, whose package was not there, was packed again" said 'packing it again from its files'
check "the new one is installed, judges, and has configuration and models of before" well +good2
check "the same again: nothing to do" ends 0 good2
check "and says so" said 'already installed, whole'

before=$(process)
check "a package that lacks a dependency: ends with 1" ends 1 needs5
check "says which" said 'passfail-of-no-archive'
check "a damaged package: ends with 1" ends 1 damaged
check "says so" said 'damaged'
check "the station did not even notice" [ "$before" = "$(process)" ]
check "and is whole" well +good2

for bad in crash5:'the service is' mute5:'has judged nothing' blind5:'camera lost: .*/dev/video9' scripts5:'could not be installed'; do
  check "a bad update (${bad%%:*}): ends with 3" ends 3 "${bad%%:*}"
  check "says why" said "${bad#*:}"
  check "and the version before judges again" well +good2
done
check "one that ends again and again is not waited for: ends with 3" ends 3 crash5 3600
check "says why" said 'ends again and again'
check "and the version before judges again" well +good2
check "what the station said is kept" inside 'test -s /var/lib/passfail-update/log'

sed -i 's|^source = .*|source = "/dev/video9"|' "$root/etc/passfail/config.toml"
cp "$root/etc/passfail/config.toml" "$tmp/config.toml"
inside systemctl restart passfail
check "a station without a camera is updated: ends with 0" ends 0 good3
check "and it is said that nothing was judged" said 'as before the update \(it had no camera\)'
check "whole" whole +good3
check "and a bad update is taken back there too: ends with 3" ends 3 mute5
check "whole" whole +good3
sed -i 's|^source = .*|source = "/usr/share/passfail/demo/parts"|' "$root/etc/passfail/config.toml"
cp "$root/etc/passfail/config.toml" "$tmp/config.toml"
inside systemctl restart passfail
check "the camera is there again" judges

# in_phase PHASE: the update is, or was, in it.
in_phase() { grep -qsx "phase=$1" "$state/running"; }

flash good4 >"$tmp/code" &
flashing=$!
check "an update begins" until_ 60 in_phase installing
ip link set lo down # nothing answers: as with a WLAN that is gone
check "the connection is lost, and the update goes on" until_ 60 grep -qs 'outcome=updated' "$state/result"
until_ 40 grep -q 'the connection to .* broke' "$tmp/said" || true
ip link set lo up
wait "$flashing"
check "connects again, and reports" said 'the connection to .* broke'
check "that all is well" [ "$(cat "$tmp/code")" = 0 ]
check "which it is" well +good4

# An archive that the station has not heard of yet has what the new version depends on.
archive() {
  mkdir -p "$tmp/more/DEBIAN" "$root/archive"
  printf '%s\n' 'Package: passfail-more' 'Version: 1' 'Architecture: all' 'Maintainer: test <test@passfail.example>' 'Description: test' >"$tmp/more/DEBIAN/control"
  dpkg-deb --build --root-owner-group "$tmp/more" "$root/archive/more.deb" >/dev/null
  {
    cat "$tmp/more/DEBIAN/control"
    echo "Filename: ./more.deb"
    echo "Size: $(stat -c %s "$root/archive/more.deb")"
    echo "SHA256: $(sha256sum <"$root/archive/more.deb" | cut -d ' ' -f 1)"
  } >"$root/archive/Packages"
  echo 'deb [trusted=yes] file:/archive ./' >"$root/etc/apt/sources.list.d/archive.list"
}
archive
check "an update that needs another package fetches it: ends with 0" ends 0 more5
check "whole, and judging" well +more5
check "back to an older version: ends with 0" ends 0 good4
check "whole, and judging" well +good4

inside mount -t tmpfs -o size=70m tmpfs /var/lib/passfail-update
check "too little room: ends with 1" ends 1 good5
check "says how much it takes" said 'MiB are free at .*: make room first'
inside umount /var/lib/passfail-update
check "nothing was changed" well +good4

# killed MOMENT DELAY PACKAGE CODE VERSION: the container is killed so many seconds after the moment, a phase of the update or what
# dpkg writes into its log, and started again; the flash that was under way connects again and ends with one of the codes.
killed() {
  local what="killed $2 s after '$1' of $3"
  [ "${1%%:*}" = phase ] || : >"$root/var/log/dpkg.log"
  flash "$3" >"$tmp/code" &
  flashing=$!
  check "$what" until_ 90 reached "$1"
  sleep "$2"
  cut_power
  dpkg --root="$root" -l passfail 2>/dev/null | awk -v p="$(sed -n 's/^phase=//p' "$state/running" 2>/dev/null)" '/passfail/ { print "        dpkg says " $1 " " $3 "; phase " p }' || true
  boot
  wait "$flashing"
  check "starts again, and the flash ends with $4" grep -qE "^($4)$" "$tmp/code"
  check "whole, and judging" well "$5"
  sed -n 's/^text=/        /p' "$state/result"
}
reached() {
  case $1 in
    phase:*) in_phase "${1#phase:}" ;;
    dpkg:*) grep -q "${1#dpkg:}" "$root/var/log/dpkg.log" ;;
  esac
}
killed phase:begun 0 good5 1 +good4
killed phase:installing 0 good5 1 +good4
for moment in 'upgrade passfail' 'status half-installed passfail' 'status unpacked passfail' 'status half-configured passfail' 'status installed passfail'; do
  killed "dpkg:$moment" 0 good5 '0|1|3' '+good[45]' # one of them, whole
  if version_is +good5; then
    check "back to the version before" ends 0 good4
  fi
done
killed 'dpkg:status half-installed passfail' 0.1 good5 '0|1|3' '+good[45]'
check "the newest" ends 0 good5
killed phase:watching 1 crash5 3 +good5
killed phase:undoing 0 crash5 3 +good5
killed phase:undoing 0.5 scripts5 3 +good5
killed phase:watching-old 1 mute5 3 +good5

gone() { [ "$(inside "dpkg-query -W -f='\${db:Status-Status}' passfail")" = config-files ] && inside '! test -e /usr/bin/passfail'; }
inside dpkg --remove passfail >/dev/null 2>&1
check "a first installation that fails is taken away again: ends with 3" ends 3 crash5
check "it is gone" gone
check "and so is one whose every script fails: ends with 3" ends 3 scripts5
check "it is gone" gone
check "a first installation: ends with 0" ends 0 good5
check "whole, with configuration and models of before, and judging" well +good5

# As a user types it: asks the station what it runs, and makes the package for that.
typed() { make --no-print-directory flash HOST=pi@127.0.0.1 </dev/null &>"$tmp/said" || { cat "$tmp/said"; false; }; }
check "make flash HOST= makes the package itself: ends with 0" typed
check "which is this checkout's" version_is "$(dpkg-deb --field "$deb" Version)"
check "whole, and judging" well ''

tally
