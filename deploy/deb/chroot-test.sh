#!/usr/bin/env bash
# chroot-test.sh: run by deb-test.sh inside a clean system, where /test holds the package as 1.deb and two later ones.
# shellcheck disable=SC2016 # what bash -c gets is its own to expand
set -euo pipefail
# shellcheck source=deploy/checks.sh
. /test/checks.sh

config=/etc/passfail/config.toml
store=/var/lib/passfail/models
copyright=/usr/share/doc/passfail/copyright

apt() { apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"; }
station() { runuser -u passfail -- passfail "$@"; }
models() { station models --store "$store" --json; }
exposure() { [ "$(systemd-analyze security --offline=true passfail.service | tee /dev/stderr | sed -n 's/.*exposure level[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1\2/p')" -le 15 ]; }
inspects() { # starts as the service does, and ends in order after some verdicts
  local log=/test/log pid
  cd /var/lib/passfail
  : >"$log" # grep may look before the program has begun
  # setpriv becomes the program, so that the signal is the program's; a minute at most, should it not end.
  timeout 60 setpriv --reuid passfail --regid passfail --init-groups passfail run --config "$config" >"$log" 2>&1 &
  pid=$!
  for _ in {1..300}; do
    [ "$(grep -c 'msg=inspected' "$log")" -lt 3 ] || break
    sleep 0.1
  done
  kill "$pid" # timeout passes it on
  wait "$pid" || true # timeout's own code
  cat "$log"
  grep -q 'msg=ready' "$log" && grep -q 'msg=stopped' "$log" && grep -q 'output=heartbeat .*to=Low' "$log"
}
names_modules() { # of each module the copyright has the licence
  local name
  [ -s /test/modules ]
  while read -r name; do
    [ -n "$(licence "$name")" ] || { echo "no licence of $name" && return 1; }
  done </test/modules
}
licence() { awk -v name="$1" '/^--- / { found = $2 == name; next } found && NF' "$copyright"; }
quotes_library() { # and of what the library's own strings tell that is in it
  local mark
  for mark in absl:Abseil Eigen:Eigen rdft2d:FFT2D farmhash:FarmHash flatbuffers:FlatBuffers gemmlowp:gemmlowp JavaCPP:JavaCPP tflite:TensorFlow \
    xnn_create_runtime:XNNPACK cpuinfo_initialize:cpuinfo pthreadpool_create:pthreadpool ruy:ruy; do
    grep -q -a "${mark%:*}" /usr/lib/passfail/libtensorflowlite_c.so || { echo "no ${mark%:*} in the library" && return 1; }
    [ -n "$(licence "${mark#*:}")" ] || { echo "no licence of ${mark#*:}" && return 1; }
  done
}
nothing_left() {
  local left
  left=$(find /etc /usr /var /run /home -xdev -iname '*passfail*' -not -path '/var/cache/*' -not -path '/var/log/*' -not -path '/var/lib/dpkg/*')
  printf '%s' "$left"
  [ -z "$left" ]
}
first_models() { [ "$(models)" = "$(cat /test/models)" ]; }
active_demo() { models | grep -q '"active": *true' && station models --store "$store" | grep -q "the demo's, from the package"; }
kept_conffile() { tail -n 1 "$config" | grep -q 'by a technician' && grep -q 'new in version 3' "$config.dpkg-dist"; }

echo "--- $(. /etc/os-release && echo "$PRETTY_NAME")"
check "lintian has no errors" lintian --fail-on error --allow-root /test/1.deb
lintian --allow-root /test/1.deb | sed 's/^/        /'

check "installs" apt install /test/1.deb
check "runs" passfail version
passfail version | sed 's/^/        /'
refuse "no library is missing" bash -c 'ldd /usr/bin/passfail /usr/lib/passfail/*.so | grep "not found"'
check "the copyright has a licence of each module that is linked in" names_modules
check "and of each library in TensorFlow Lite's" quotes_library
check "and the licence of Go, and BSD's in words" bash -c 'grep -q "^--- Go$" "$1" && grep -q "^--- XNNPACK" "$1" && grep -q "Neither the name Facebook" "$1"' - "$copyright"
check "the user has no shell" bash -c 'getent passwd passfail | grep -q ":/usr/sbin/nologin$"'
check "the user is in gpio and video" bash -c 'id -nG passfail | grep -w gpio | grep -qw video'
check "the state is the user's" bash -c '[ "$(stat -c "%U:%G %a" /var/lib/passfail)" = "passfail:passfail 750" ]'
check "the demo's model is the first and judges" active_demo
check "the configuration is in order" station check --config "$config"
check "inspects as installed" inspects
check "puts pins to rest" station pins rest --config "$config"
check "the service is enabled" systemctl is-enabled passfail.service
check "systemd-analyze verify" bash -c 'text=$(systemd-analyze verify --man=yes passfail.service passfail-update.service 2>&1); echo "$text"; ! grep -i passfail <<<"$text"'
check "exposure of 1.5 or lower" exposure
systemd-analyze security --offline=true passfail.service 2>/dev/null | tail -n 1 | sed 's/^/        /'
if udevadm verify --help >/dev/null 2>&1; then
  check "udevadm verify" udevadm verify /usr/lib/udev/rules.d/60-passfail.rules
fi
check "the manual page is one" bash -c 'man -w passfail && man --warnings -E UTF-8 passfail 2>&1 >/dev/null | tee /dev/stderr | wc -c | grep -qx 0'
check "completion" bash -c '. /usr/share/bash-completion/bash_completion; . /usr/share/bash-completion/completions/passfail; complete -p passfail'
check "the files are those of the package" dpkg --verify passfail

check "upgrades with the default configuration" apt install /test/2.deb
check "which becomes the new one" grep -q 'new in version 2' "$config"
check "another model is kept" station models add --store "$store" /usr/share/passfail/demo/model.tflite --comment "taught on the station" --use
models >/test/models
echo '# changed by a technician' >>"$config"
check "upgrades with a changed configuration" apt install /test/3.deb
check "which stays, the new one beside it" kept_conffile
check "the models stay" first_models
check "inspects after the upgrade" inspects

check "removes" apt remove passfail
refuse "the program is gone" test -e /usr/bin/passfail
check "the configuration stays" grep -q 'by a technician' "$config"
check "the models stay" test -d "$store"
check "installs again" apt install /test/3.deb
check "with the configuration of before" grep -q 'by a technician' "$config"
check "with the models of before" first_models
check "the service is enabled again" systemctl is-enabled passfail.service

# What an update leaves, and one under way.
mkdir -p /var/lib/passfail-update /etc/systemd/system/multi-user.target.wants
cp /test/3.deb /var/lib/passfail-update/current.deb
cp /usr/lib/systemd/system/passfail-update.service /etc/systemd/system/
ln -s /etc/systemd/system/passfail-update.service /etc/systemd/system/multi-user.target.wants/
check "purges" apt purge passfail
check "nothing is left" nothing_left
refuse "the user is gone" getent passwd passfail
check "purging again is no error" dpkg --purge passfail
check "dpkg has nothing to complain of" bash -c '[ -z "$(dpkg --audit)" ]'
check "installs after that" apt install /test/1.deb
check "the demo's model is the first and judges" active_demo

tally
