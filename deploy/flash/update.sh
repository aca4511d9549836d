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

declare -A state # of the update; see save

here=$(cd "$(dirname "$0")" && pwd)
. "$here/update-package.sh"
. "$here/update-station.sh"

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

# settle [WHAT]: after dpkg was at work, or the power went: is the new version whole?
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
    finish refused "${state[to]} ${1:-could not be installed, see above}; ${state[from]} is in place, unchanged"
  else
    state[why]="its package could not be installed${1:+, as its installation was interrupted}"
    save undoing
  fi
}

# repair: the power went while dpkg was at work.
repair() {
  note "an update to ${state[to]} was interrupted; completing what dpkg had begun"
  dpkg_ --configure -a || apt_ --fix-broken --no-download install || true
  settle "was interrupted before anything was changed"
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
  { journalctl -u "$service" --since "@$since_watch" -n 60 --no-pager -o short-iso 2>&1 || true; } | put "$dir/journal"
  note "what the journal says:"
  tail -n 25 "$dir/journal" | cut -c 1-300 | sed 's/^/    /'
  save undoing
}

undo() {
  local done=yes
  if [ -z "${state[from]}" ]; then
    note "taking ${state[to]} away again; configuration and models stay"
    dpkg_ --force-remove-reinstreq --remove passfail || { drop_scripts && dpkg_ --force-remove-reinstreq --remove passfail; } || done=
    restore_config
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
  [ "${state[before]}" = disabled ] || systemctl --no-block start "$service" || true
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

install_() {
  local id='' within=60 deb from='' was=none shown
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

  prepare_rescue
  cp "$deb" "$dir/new.tmp"
  keep "$dir/new.tmp" new.deb
  : >"$dir/log"
  rm -f "$dir/journal"
  state=([id]=$id [from]=$from [to]=$(field "$deb" Version) [before]=$was [within]=$within)
  save begun
  note "update $id: ${from:-not installed} ($(in_words "$was")) to ${state[to]}" | tee -a "$dir/log"
  shown=$(stat -c %s "$dir/log")
  exec 9>&-
  start_job
  follow "$id" "$shown"
}

# prepare_rescue: what finishes the update at boot if it is interrupted: these scripts, and their unit, which is there as long as the
# update is, whether or not the version before, or the new one, has it.
prepare_rescue() {
  local name text=$here/passfail-update.service
  for name in update.sh update-package.sh update-station.sh; do
    [ "$here/$name" -ef "$dir/$name" ] || put "$dir/$name" <"$here/$name"
  done
  [ -e "$text" ] || text=/usr/lib/systemd/system/passfail-update.service
  [ -e "$text" ] || die "passfail-update.service is neither beside update.sh nor installed"
  mkdir -p "$(dirname "$wanted")"
  put "$rescue" <"$text"
  ln -sf "$rescue" "$wanted"
  sync "$(dirname "$wanted")"
}

# follow ID [BYTE]: shows the log from there on, and ends as the update does.
follow() {
  local id=$1 shown=${2:-0} size text idle=0
  while :; do
    # Asked before the log is read: then what is read is all.
    text=$(result id)
    if [ -e "$dir/log" ]; then
      size=$(stat -c %s "$dir/log")
      head -c "$size" "$dir/log" | tail -c "+$((shown + 1))"
      shown=$size
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
