#!/usr/bin/env bash
# version.sh: prints this checkout's version as git tells it: the last tag, and what came since.
# version.sh --time: prints the time of its last commit, in seconds since 1970; SOURCE_DATE_EPOCH if that is set.
#
# A source archive has a file VERSION instead of git's history, and its time is that of the file.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1-}" = --time ]; then
  echo "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION 2>/dev/null || echo 0)}"
else
  git describe --tags --always --dirty 2>/dev/null || cat VERSION 2>/dev/null || echo unknown
fi
