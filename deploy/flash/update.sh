#!/usr/bin/env bash
# update.sh install [--id ID] [--within SECONDS] NEW.deb: puts that version of Passfail on this station, watches that the
#   station judges a frame within a minute (--within), and otherwise puts the version of before back. The work is done by a
#   unit of systemd's: it goes on when the connection through which it was started does not. Prints what is done, and ends with
#   0 updated, 1 refused, nothing changed, 3 taken back, and the station is as it was before, 4 taken back, and it is not.
# update.sh follow ID: the same output and end for an update that was begun.
# update.sh resume: finishes or undoes what a power cut interrupted (passfail-update.service, at boot).
# update.sh run: the work (passfail-update-job.service, which install and resume start).
#
# In /var/lib/passfail-update lie, while an update is under way:
#   running        the phase that it is in; replaced whole, on the disk before the phase begins
#   new.deb        what is being installed
#   config/        /etc/passfail as it was
# and after it:
#   current.deb    the package in force: where the next update can go back to
#   previous.deb   the one before
#   result, log    how the last update ended, and what it said; journal: what the station said when it failed
set -euo pipefail

dir=/var/lib/passfail-update
config=/etc/passfail
service=passfail.service
job=passfail-update-job
rescue=/etc/systemd/system/passfail-update.service
wanted=/etc/systemd/system/multi-user.target.wants/passfail-update.service

# Seconds. How long the same process must live after it has judged a frame; and with a lost camera, which is longer
# than the watchdog's time: so that one which is not fed shows.
steady=5
steady_lost=25

declare -A state # of the update; see save
declare -A unit  # what systemd says of the service; see look

note() { printf 'passfail: %s\n' "$*"; }

die() {
  note "$*" >&2
  exit 1
}

# put FILE: replaces it by what comes in, whole or not at all, and it is on the disk when this returns.
put() {
  cat >"$1.new"
  sync "$1.new"
  mv "$1.new" "$1"
  sync "$(dirname "$1")"
}

# keep FILE NAME: moves a file of any size to its name here, in the same way.
keep() {
  sync "$1"
  mv "$1" "$dir/$2"
  sync "$dir"
}

# save PHASE: the update is now in it.
#   begun         nothing is changed yet
#   installing    dpkg is at work, or was when the power went
#   watching      the new version is whole; does the station judge?
#   undoing       dpkg is at work on the way back
#   watching-old  the version of before is whole again; does the station judge?
save() {
  local key
  state[phase]=$1
  for key in "${!state[@]}"; do
    printf '%s=%s\n' "$key" "${state[$key]//$'\n'/ }"
  done | put "$dir/running"
}

load() {
  local key value
  state=()
  while IFS='=' read -r key value; do
    [ -z "$key" ] || state[$key]=$value
  done <"$dir/running"
  if [ -z "${state[id]-}" ] || [ -z "${state[phase]-}" ]; then
    die "$dir/running says no id or no phase; look at it, and delete it"
  fi
}

# finish OUTCOME TEXT: the update is over.
finish() {
  note "$2"
  systemd-cat -t passfail-update echo "$2" || true
  printf 'id=%s\noutcome=%s\nfrom=%s\nto=%s\ntime=%s\ntext=%s\n' "${state[id]}" "$1" "${state[from]}" "${state[to]}" "$(date -Is)" "${2//$'\n'/ }" |
    put "$dir/result"
  clear_away
}

clear_away() {
  rm -f "$dir/running"
  sync "$dir"
  rm -rf "${dir:?}"/{new.deb,config,incoming,rebuilt,bin} "$rescue" "$wanted"
  systemctl daemon-reload || true
}

# result KEY: what the last update's result says of it.
result() { sed -n "s/^$1=//p" "$dir/result" 2>/dev/null || true; }

# --- packages

field() { dpkg-deb --field "$1" "$2" 2>/dev/null; }
status() { dpkg-query -W -f='${db:Status-Status}' passfail 2>/dev/null || echo not-installed; }
version() { dpkg-query -W -f='${Version}' passfail 2>/dev/null; }
sums() { dpkg-deb --ctrl-tarfile "$1" | tar -xO ./md5sums; }

# is_installed DEB: this very package, not only its version, is installed, whole and configured.
is_installed() {
  [ "$(status)" = installed ] && [ "$(version)" = "$(field "$1" Version)" ] &&
    cmp -s <(sums "$1") /var/lib/dpkg/info/passfail.md5sums && ! damage | grep -q .
}

# damage: files of the package that are missing or changed. A configuration may be; what a system leaves out to be small, too.
damage() { dpkg --verify passfail 2>&1 | grep -vE '^.{9} c | /usr/share/(doc|man|lintian|locale)/' || true; }

# with_package COMMAND...: runs dpkg or apt-get for at most a quarter of an hour. Maintainer scripts ask systemd for a restart
# and must not wait for it: at boot the service waits for us. What dpkg says comes out; how it ended is kept.
with_package() {
  mkdir -p "$dir/bin"
  printf '#!/bin/sh\nexec /usr/bin/systemctl --no-block "$@"\n' >"$dir/bin/systemctl"
  chmod 755 "$dir/bin/systemctl"
  DEBIAN_FRONTEND=noninteractive PATH="$dir/bin:$PATH" timeout -k 30 900 "$@" </dev/null 9>&-
}

# dpkg_ OPTION...: dpkg, as soon as no other program has its database.
dpkg_() {
  local text code
  for _ in {1..60}; do
    code=0
    text=$(with_package dpkg --force-confdef --force-confold "$@" 2>&1) || code=$?
    grep -q 'lock.* was locked by another process' <<<"$text" || break
    sleep 5
  done
  [ -z "$text" ] || printf '%s\n' "$text"
  return "$code"
}

apt_() {
  with_package apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Path="$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin" -o DPkg::Lock::Timeout=300 \
    -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" 2>&1
}

# apt_install OPTION... DEB: with what it depends on. Nothing is changed before all of that is here.
apt_install() {
  # A first installation takes what is recommended too; an update must not fail for that where there is no network.
  [ -z "${state[from]}" ] || set -- --no-install-recommends "$@"
  set -- install --allow-downgrades --reinstall "$@"
  if ! apt_ --download-only "$@" >"$dir/apt.log"; then
    apt_ update || true # install says what is missing
    apt_ --download-only "$@" || return 1
  fi
  rm -f "$dir/apt.log"
  apt_ "$@"
}

# rebuild FILE: packs the installed version again, from its files and what dpkg remembers of them.
rebuild() {
  local root=$dir/rebuilt info=/var/lib/dpkg/info name path sum
  rm -rf "$root"
  mkdir -p "$root/DEBIAN"
  dpkg-query -L passfail | while read -r path; do
    [ ! -e "$path" ] || printf '%s\n' ".$path"
  done | tar -C / -c --no-recursion --files-from=- | tar -C "$root" -xp
  for name in preinst postinst prerm postrm conffiles md5sums triggers shlibs; do
    [ ! -e "$info/passfail.$name" ] || cp -p "$info/passfail.$name" "$root/DEBIAN/$name"
  done
  dpkg-query -s passfail | awk '/^[^ ]/ { drop = /^(Status|Conffiles|Config-Version):/ } !drop' >"$root/DEBIAN/control"
  # The default that came with this version is known by its checksum alone. What goes in its place must differ from the
  # technician's own file: were they the same, dpkg would take that for an unchanged default, and the next update would replace it.
  dpkg-query -W -f='${Conffiles}\n' passfail | while read -r path sum _; do
    [ -n "$path" ] || continue
    [ "$(md5sum <"$path" 2>/dev/null | cut -d ' ' -f 1)" != "$sum" ] || continue
    mkdir -p "$root$(dirname "$path")"
    echo '# Packed from an installed station: the default of this version is not known any more.' >>"$root$path"
  done
  dpkg-deb --build --root-owner-group -Zgzip -z1 "$root" "$1" >/dev/null
  rm -rf "$root"
}

# remember_installed: previous.deb is the installed version.
remember_installed() {
  if [ -e "$dir/current.deb" ] && is_installed "$dir/current.deb"; then
    cp "$dir/current.deb" "$dir/previous.new"
  else
    note "the package of ${state[from]} is not here; packing it again from its files"
    rebuild "$dir/previous.new"
  fi
  keep "$dir/previous.new" previous.deb
}

restore_config() {
  local file
  [ -d "$dir/config" ] || return 0
  mkdir -p "$config"
  (cd "$dir/config" && find . -type f -print0) | while IFS= read -r -d '' file; do
    cmp -s "$dir/config/$file" "$config/$file" && continue
    note "putting back $config/${file#./}"
    mkdir -p "$(dirname "$config/$file")"
    cp -p "$dir/config/$file" "$config/$file.restored"
    sync "$config/$file.restored"
    mv "$config/$file.restored" "$config/$file"
  done
  # What the other version's default was put beside.
  find "$config" -type f -name '*.dpkg-*' | while read -r file; do
    [ -e "$dir/config/${file#"$config/"}" ] || rm -f "$file"
  done
}

# --- the station

# look: asks systemd about the service.
look() {
  local key value
  unit=()
  while IFS='=' read -r key value; do
    unit[$key]=$value
  done < <(systemctl show "$service" -p ActiveState -p SubState -p Result -p MainPID -p StatusText -p UnitFileState -p NRestarts -p WatchdogTimestampMonotonic)
}

# condition: how the station is, by the last look:
#   judging, lost (no camera, and it tries again and again), silent (it runs, and has judged nothing), down
condition() {
  if [ "${unit[ActiveState]-}" != active ]; then
    echo down
  elif [ "$(readlink "/proc/${unit[MainPID]-0}/exe" 2>/dev/null)" != /usr/bin/passfail ]; then
    echo silent # still the process of the version before, whose file is gone
  else
    case ${unit[StatusText]-} in
      [1-9]*' inspected, '*) echo judging ;;
      'camera lost: '*) echo lost ;;
      *) echo silent ;;
    esac
  fi
}

# before: how the station is now, given some time to say so; disabled: it does not run, and is not meant to.
before() {
  local now
  for _ in {1..15}; do
    look
    now=$(condition)
    [ "$now" = silent ] || break
    sleep 1
  done
  [ "$now" != down ] || [ "${unit[UnitFileState]-}" = enabled ] || now=disabled
  echo "$now"
}

# in_words CONDITION
in_words() {
  case $1 in
    judging) echo "it judged" ;;
    lost) echo "it had no camera" ;;
    silent) echo "it ran and judged nothing" ;;
    down) echo "it did not run" ;;
    disabled) echo "its service is disabled" ;;
    none) echo "it was not installed" ;;
    *) echo "not known" ;;
  esac
}

# healthy: the station judges a frame in time, by a process that stays; where it had no camera before, or did not run, it is
# enough that it lives, feeds its watchdog and says that the camera is lost. Sets why.
healthy() {
  local end=$((SECONDS + state[within])) process='' since=0 fed=0 more
  since_watch=$(($(date +%s) - 10))
  if [ "${state[before]}" = disabled ]; then
    why="the service is disabled, so nothing was watched"
    return
  fi
  while :; do
    look
    if [ "${unit[MainPID]-}" != "$process" ]; then
      process=${unit[MainPID]-} since=$SECONDS fed=${unit[WatchdogTimestampMonotonic]-0}
    fi
    # What is well at the last moment is given the time to stay so.
    more=0
    case $(condition) in
      judging)
        why="it judges: ${unit[StatusText]}"
        more=$steady
        [ $((SECONDS - since)) -lt "$steady" ] || return 0
        ;;
      lost)
        why=${unit[StatusText]}
        if [[ ${state[before]} =~ ^(lost|down|none)$ ]]; then
          more=$steady_lost
          if [ $((SECONDS - since)) -ge "$steady_lost" ] && [ "${unit[WatchdogTimestampMonotonic]-0}" -gt "$fed" ]; then
            why="as before the update ($(in_words "${state[before]}")) it can judge nothing, but runs and feeds its watchdog: $why"
            return
          fi
        fi
        ;;
      silent) why="it runs, and has judged nothing" ;;
      down) why="the service is ${unit[ActiveState]-unknown} (${unit[Result]-unknown}), ${unit[NRestarts]-0} restarts" ;;
    esac
    [ "${unit[ActiveState]-}" != failed ] || return 1
    [ "$SECONDS" -lt $((end + more)) ] || return 1
    sleep 1
  done
}

# --- phases

begin() {
  if is_installed "$dir/new.deb"; then
    keep "$dir/new.deb" current.deb
    look
    finish updated "${state[to]} is already installed, whole; nothing was changed ($(condition): ${unit[StatusText]-})"
    return
  fi
  [ -z "${state[from]}" ] || remember_installed
  rm -rf "$dir/config"
  [ ! -d "$config" ] || cp -a "$config" "$dir/config"
  sync -f "$dir"
  save installing
  note "installing ${state[to]}${state[from]:+ over ${state[from]}}"
  apt_install "$dir/new.deb" || note "the installation failed"
  settle
}

# settle: after dpkg was at work, or the power went: is the new version whole?
settle() {
  # Two of one version that differ are one and the same to apt.
  if [ "$(status)" = installed ] && [ "$(version)" = "${state[to]}" ] && ! is_installed "$dir/new.deb"; then
    dpkg_ --install "$dir/new.deb" || true
  fi
  if is_installed "$dir/new.deb"; then
    save watching
  elif [ -n "${state[from]}" ] && is_installed "$dir/previous.deb"; then
    # apt did not begin, as where a dependency cannot be had; or the package itself declined; or the power went early.
    restore_config
    finish refused "${state[to]} could not be installed, see above; ${state[from]} is in place, unchanged"
  else
    state[why]="its package could not be installed"
    save undoing
  fi
}

# repair: the power went while dpkg was at work.
repair() {
  note "an update to ${state[to]} was interrupted; completing what dpkg had begun"
  dpkg_ --configure -a || apt_ --fix-broken --no-download install || true
  settle
}

watch() {
  # A version that takes the machine down twice is not given a third time.
  state[watched]=$((${state[watched]-0} + 1))
  save watching
  if [ "${state[watched]}" -gt 2 ]; then
    state[why]="the machine went down while it was watched, twice"
    save undoing
    return
  fi
  note "watching whether the station judges a frame within ${state[within]} s"
  if healthy; then
    keep "$dir/new.deb" current.deb
    finish updated "${state[to]} is in force${state[from]:+, after ${state[from]}}; $why"
    return
  fi
  state[why]=$why
  note "it does not: $why"
  journalctl -u "$service" --since "@$since_watch" -n 60 --no-pager -o short-iso 2>&1 | put "$dir/journal"
  note "what the journal says:"
  tail -n 25 "$dir/journal" | cut -c 1-300 | sed 's/^/    /'
  save undoing
}

# put_back DEB: installs it over whatever is there.
put_back() {
  dpkg_ --force-downgrade --install "$1" && is_installed "$1" && return
  apt_install "$1" && is_installed "$1" && return
  note "the scripts of the package that is taken back stand in the way; going without them"
  rm -f /var/lib/dpkg/info/passfail.{preinst,prerm,postrm,postinst}
  dpkg_ --force-downgrade --force-depends --install "$1" && is_installed "$1"
}

undo() {
  local done=yes
  if [ -z "${state[from]}" ]; then
    note "taking ${state[to]} away again; configuration and models stay"
    dpkg_ --force-remove-reinstreq --remove passfail || { rm -f /var/lib/dpkg/info/passfail.{prerm,postrm} && dpkg_ --force-remove-reinstreq --remove passfail; } || done=
    [ -z "$done" ] || finish undone "${state[to]} was taken away again, as nothing was installed before: ${state[why]}"
  else
    note "putting ${state[from]} back"
    put_back "$dir/previous.deb" || done=
    restore_config
    [ -z "$done" ] || save watching-old
  fi
  [ -n "$done" ] ||
    finish broken "${state[to]} failed (${state[why]}), and ${state[from]:-the state of before} could not be put back: see above; $dir/previous.deb is its package"
}

watch_old() {
  # The restart that the package asked for may have met the limit on failed starts, which the bad version used up.
  [ "${state[before]}" = disabled ] || { systemctl reset-failed "$service" && systemctl --no-block restart "$service"; } || true
  note "watching whether the station judges again"
  keep_previous_in_force
  if healthy; then
    finish undone "${state[to]} was taken back: ${state[why]}. ${state[from]} is in force again; $why"
  elif [ "${state[before]}" = down ] || [ "${state[before]}" = silent ]; then
    finish undone "${state[to]} was taken back: ${state[why]}. ${state[from]} is in force again, and as before the update ($(in_words "${state[before]}")) the station is not well: $why"
  else
    finish broken "${state[to]} was taken back: ${state[why]}. ${state[from]} is in force again, and the station is not as before ($(in_words "${state[before]}")): $why"
  fi
}

keep_previous_in_force() {
  cp "$dir/previous.deb" "$dir/current.new"
  keep "$dir/current.new" current.deb
}

# --- commands

# locked: no other update.sh is at work.
locked() {
  exec 9>"$dir/lock"
  flock -n 9
}

start_job() {
  systemctl reset-failed "$job.service" 2>/dev/null || true
  systemd-run --quiet --no-block --collect --unit="$job" --description="Update of Passfail" --property=Restart=on-failure --property=RestartSec=2s \
    --property=StartLimitIntervalSec=10min --property=StartLimitBurst=4 --property=After="$service passfail-update.service" /bin/bash "$dir/update.sh" run
}

# work PLACE: goes through the phases, from the one that is saved. At boot the service is not started before this ends, so
# watching is left to the job.
work() {
  locked || die "another update is at work"
  [ -e "$dir/running" ] || return 0
  load
  exec >>"$dir/log" 2>&1
  # While nothing is changed there is nothing to undo either.
  trap '[ $? -eq 0 ] || [ "${state[phase]}" != begun ] || finish refused "the update could not be prepared, see above; nothing was changed"' EXIT
  if [ "$(result id)" = "${state[id]}" ]; then
    clear_away # the power went after the very last step
    return
  fi
  while [ -e "$dir/running" ]; do
    case ${state[phase]}:$1 in
      begun:boot) finish refused "interrupted before anything was changed" ;;
      begun:job) begin ;;
      installing:*) repair ;;
      undoing:*) undo ;;
      watching*:boot)
        start_job
        return
        ;;
      watching:job) watch ;;
      watching-old:job) watch_old ;;
      *) die "$dir/running: phase ${state[phase]} is not known" ;;
    esac
  done
}

# check_package DEB: it is one of Passfail's, whole, for this machine.
check_package() {
  local deb=$1 arch
  dpkg-deb --info "$deb" >/dev/null 2>&1 || die "$deb is no Debian package, or damaged"
  [ "$(field "$deb" Package)" = passfail ] || die "$deb is the package $(field "$deb" Package); passfail expected"
  arch=$(dpkg --print-architecture)
  [ "$(field "$deb" Architecture)" = "$arch" ] || die "$deb is for $(field "$deb" Architecture), and this machine is $arch; 'make deb ARCH=$arch' makes the right one"
  dpkg-deb --fsys-tarfile "$deb" 2>/dev/null | tar -t >/dev/null 2>&1 || die "$deb is damaged: copy it again"
}

# check_space DEB: what the update writes fits: the files of the new version beside those of the old, and three packages.
check_space() {
  local need free place
  need=$(($(field "$1" Installed-Size) + 3 * $(stat -c %s "$1") / 1024 + 32 * 1024))
  for place in /usr /var/lib/dpkg "$dir"; do
    free=$(df --output=avail -k "$place" | tail -n 1)
    [ "$free" -ge "$need" ] || die "$((free / 1024)) MiB are free at $place, and the update needs $((need / 1024)): make room first (sudo apt-get clean; pictures in /var/lib/passfail)"
  done
}

install_() {
  local id='' within=60 deb from='' was=none here
  while [ $# -gt 1 ]; do
    case $1 in
      --id) id=$2 ;;
      --within) within=$2 ;;
      *) die "update.sh install $1: --id, --within or a package expected" ;;
    esac
    shift 2
  done
  deb=${1:?which package? update.sh install NEW.deb}
  [ -n "$id" ] || id=$(date +%Y%m%d-%H%M%S)-$$
  [[ $id =~ ^[A-Za-z0-9.-]+$ ]] || die "--id $id: letters, digits, dots and hyphens expected"
  [[ $within =~ ^[1-9][0-9]{0,4}$ ]] || die "--within $within: seconds expected"
  [ -e "$deb" ] || die "$deb: there is no such file"
  [ -d /run/systemd/system ] || die "no systemd is running here; install the package with apt-get"

  install -d -m 700 "$dir"
  locked || die "another update is at work; 'update.sh follow $(sed -n 's/^id=//p' "$dir/running" 2>/dev/null)' shows it"
  if [ -e "$dir/running" ]; then
    die "an update is under way or was interrupted: 'sudo systemctl start passfail-update' finishes or undoes it, and so does a restart of the machine"
  fi
  check_package "$deb"
  check_space "$deb"
  dpkg_ --configure -a || die "dpkg was interrupted before, and cannot go on by itself: see above"
  case $(status) in
    installed)
      from=$(version)
      was=$(before)
      ;;
    not-installed | config-files) ;;
    *) die "the package passfail is $(status): 'sudo apt-get --fix-broken install' first" ;;
  esac

  here=$(cd "$(dirname "$0")" && pwd)
  [ "$here/update.sh" -ef "$dir/update.sh" ] || put "$dir/update.sh" <"$here/$(basename "$0")"
  cp "$deb" "$dir/new.tmp"
  keep "$dir/new.tmp" new.deb
  rescue_unit "$here"
  : >"$dir/log"
  rm -f "$dir/journal"
  state=([id]=$id [from]=$from [to]=$(field "$deb" Version) [before]=$was [within]=$within)
  save begun
  note "update $id: ${from:-not installed} ($(in_words "$was")) to ${state[to]}" | tee -a "$dir/log"
  exec 9>&-
  start_job
  follow "$id" 1
}

# rescue_unit FOLDER: the unit that finishes at boot what is interrupted, from the folder of this script or from the package. It is
# there as long as the update is, whether or not the version before, or the new one, has it.
rescue_unit() {
  local text=/usr/lib/systemd/system/passfail-update.service
  [ ! -e "$1/passfail-update.service" ] || text=$1/passfail-update.service
  [ -e "$text" ] || die "passfail-update.service is neither beside update.sh nor installed"
  mkdir -p "$(dirname "$wanted")"
  put "$rescue" <"$text"
  ln -sf "$rescue" "$wanted"
  sync "$(dirname "$wanted")"
}

# follow ID [LINE]: shows the log from that line on, and ends as the update does.
follow() {
  local id=$1 next=$((${2:-0} + 1)) text idle=0
  while :; do
    # Asked before the log is read: then what is read is all.
    text=$(result id)
    if [ -e "$dir/log" ]; then
      tail -n "+$next" "$dir/log"
      next=$(($(wc -l <"$dir/log") + 1))
    fi
    if [ "$text" = "$id" ]; then
      case $(result outcome) in
        updated) exit 0 ;;
        undone) exit 3 ;;
        broken) exit 4 ;;
        *) exit 1 ;;
      esac
    fi
    grep -qsx "id=$id" "$dir/running" || [ "$(result id)" = "$id" ] || die "there is no update $id here; the last one was $(result id)"
    # Between two tries, and at boot, nothing is at work for a moment.
    if systemctl is-active --quiet "$job.service" passfail-update.service || [ "$(systemctl show -P ActiveState passfail-update.service)" = activating ]; then
      idle=0
    elif [ $((idle += 1)) -gt 60 ]; then
      die "the update $id is not at work and not over: 'sudo systemctl start passfail-update' finishes or undoes it"
    fi
    sleep 1
  done
}

case ${1-} in
  install | follow | resume | run) [ "$(id -u)" -eq 0 ] || die "this takes root: sudo $0 $*" ;;
esac
case ${1-} in
  install)
    shift
    install_ "$@"
    ;;
  follow) follow "${2:?which update? update.sh follow ID}" ;;
  resume) work boot ;;
  run) work job ;;
  *)
    sed -n '2,/^#$/{s/^# \{0,1\}//;p}' "$0" >&2
    exit 2
    ;;
esac
