# shellcheck shell=bash
# Checks that say what they found, one a line, and count. Sourced by tests, also inside the systems that they boot.

passed=0 failed=0

# ok WHAT: that was found to be so.
ok() {
  passed=$((passed + 1))
  echo "ok      $1"
}

# not_ok WHAT <TEXT: that was not, and the end of why.
not_ok() {
  failed=$((failed + 1))
  echo "FAILED  $1"
  tail -n 20 | sed 's/^/        /'
}

# check WHAT COMMAND...: the command succeeds. In a function, a command that fails does not end it: this is a condition.
check() {
  local what=$1 text
  shift
  if text=$("$@" 2>&1); then
    ok "$what"
  else
    not_ok "$what" <<<"$text"
  fi
}

# refuse WHAT COMMAND...: the command fails.
# shellcheck disable=SC2016 # $@ is the inner shell's
refuse() { check "$1" bash -c '! "$@"' in "${@:2}"; }

# tally: the last line of a test. Fails if a check did.
tally() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
