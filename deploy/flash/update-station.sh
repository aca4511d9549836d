# shellcheck shell=bash
# How update.sh tells whether the station is well. Sourced, not run.

# Set by update.sh.
: "${service:?}"

# Seconds. How long the same process must live after it has judged a frame; and with a lost camera, which is longer
# than the watchdog's time: so that one which is not fed shows.
steady=5
steady_lost=25
# A process that has ended so many times while it was watched, each time started anew by systemd, will not do better.
hopeless=4

declare -A unit # what systemd says of the service

# look: asks systemd about it.
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
# enough that it lives, feeds its watchdog and says that the camera is lost. One that ends again and again is not waited for.
# Sets why.
healthy() {
  # shellcheck disable=SC2154 # state is update.sh's
  local end=$((SECONDS + state[within])) process='' since=0 fed=0 more restarts=''
  # shellcheck disable=SC2034 # update.sh asks the journal for what came since
  since_watch=$(($(date +%s) - 10))
  if [ "${state[before]}" = disabled ]; then
    why="the service is disabled, so nothing was watched"
    return
  fi
  while :; do
    look
    # Started afresh, as by the package's scripts, it counts anew.
    if [ -z "$restarts" ] || [ "${unit[NRestarts]:-0}" -lt "$restarts" ]; then
      restarts=${unit[NRestarts]:-0}
    fi
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
    if [ $((${unit[NRestarts]:-0} - restarts)) -ge "$hopeless" ]; then
      why="the service is ${unit[ActiveState]} (${unit[Result]}) after ${unit[NRestarts]} restarts: it ends again and again"
      return 1
    fi
    [ "$SECONDS" -lt $((end + more)) ] || return 1
    sleep 1
  done
}
