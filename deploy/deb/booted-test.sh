#!/usr/bin/env bash
# booted-test.sh: run by service-test.sh inside a booted system with the package. What it finds goes to /test/result.
# shellcheck disable=SC2016 # what bash -c gets is its own to expand
set -uo pipefail
exec >/test/result 2>&1
# shellcheck source=deploy/checks.sh
. /test/checks.sh

config=/etc/passfail/config.toml

# eventually WHAT COMMAND...: the command succeeds within 30 seconds.
eventually() {
  local what=$1 text
  shift
  for _ in {1..150}; do
    if text=$("$@" 2>&1); then
      ok "$what"
      return
    fi
    sleep 0.2
  done
  not_ok "$what: $text" < <(systemctl status passfail --no-pager -l -n 15)
}

show() { systemctl show -P "$1" passfail; }
status() { show StatusText | grep -E -- "$1"; }
restarts() { [ "$(show NRestarts)" -eq "$1" ] && [ "$(show ActiveState)" = active ] && status ' inspected, '; }
# said PATTERN: the journal has it since the last mark.
mark() { since=$(date '+%Y-%m-%d %H:%M:%S'); }
said() { journalctl -u passfail --no-pager -o cat --since "$since" | grep -E -- "$1"; }
process() { grep -E "$1" "/proc/$(show MainPID)/status"; }

mark
eventually "starts with the system" restarts 0
eventually "as its user, without capabilities, under a filter of system calls" \
  bash -c 'f=/proc/$(systemctl show -P MainPID passfail)/status; grep -qE "^Uid:\s+$(id -u passfail)\s" $f && grep -qE "^CapEff:\s+0+$" $f && grep -qE "^Seccomp:\s+2$" $f'
eventually "in the groups gpio and video" \
  bash -c 'g=$(grep ^Groups: /proc/$(systemctl show -P MainPID passfail)/status); for n in gpio video; do [[ " $g " == *[[:space:]]$(getent group $n | cut -d: -f3)[[:space:]]* ]] || exit 1; done'
sleep 6 # longer than the watchdog's time
eventually "lives on while the watchdog is fed" restarts 0

mark
systemctl kill -s KILL --kill-whom=main passfail
eventually "killed: its pins are put to rest" said 'heartbeat: GPIO23 is at rest, Low'
eventually "and it comes back" restarts 1

mark
systemctl kill -s STOP --kill-whom=main passfail
eventually "hanging: the watchdog finds out" said 'Watchdog timeout'
eventually "its pins are put to rest" said 'heartbeat: GPIO23 is at rest, Low'
eventually "and it comes back" restarts 2

mark
systemctl kill -s SEGV --kill-whom=main passfail
eventually "crashed as C code does: its pins are put to rest" said 'heartbeat: GPIO23 is at rest, Low'
eventually "and it comes back" restarts 3

mark
eventually "reloads" systemctl reload passfail
eventually "and inspects on" restarts 3
eventually "stops" systemctl stop passfail
eventually "in order" said 'msg=stopped'
eventually "which is no failure" [ "$(show Result)" = success ]

mark
sed -i 's|^source = .*|source = "/dev/video9"|' "$config"
eventually "starts without a camera" systemctl start passfail
eventually "says so in its status" status '^camera lost: .*/dev/video9: no such device'
eventually "and in the journal" said 'camera lost.*/dev/video9.*no such device'
sleep 6
eventually "and lives" bash -c '[ "$(systemctl show -P NRestarts passfail)" -eq 0 ] && [ "$(systemctl show -P ActiveState passfail)" = active ]'

mark
echo 'nonsense = 1' >>"$config"
systemctl restart passfail
eventually "a wrong configuration is told in the journal" said 'config.toml: .*nonsense'

tally
systemctl poweroff --force
