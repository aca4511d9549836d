#!/usr/bin/env bash
# elpv.sh: fetches the ELPV data set (2,624 pictures of solar cells; CC BY-NC-SA 4.0: for measuring only,
# never shipped, nor a model trained on it) into the cache and prints the folder with labels.csv and images.
set -euo pipefail
here=$(dirname "$0")
. "$here/common.sh"

dir=$cache/elpv-1.0.0.post1
if [ ! -d "$dir" ]; then
  venv=$("$here/venv.sh" pip /dev/null)
  scratch
  say "fetching the ELPV data set, 90 MB"
  "$venv/bin/python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes -r "$here/elpv.txt" -d "$tmp" >&2 ||
    die "the ELPV data set could not be fetched from PyPI: see above. Check the network, then run the same make again."
  "$venv/bin/python" -m zipfile -e "$tmp"/elpv_dataset-*.whl "$tmp"
  mv -T "$tmp/elpv_dataset/data" "$dir"
fi
echo "$dir"
