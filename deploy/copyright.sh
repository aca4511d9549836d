#!/usr/bin/env bash
# copyright.sh ARCH RELEASE: prints the package's copyright file: NOTICE, and the licence of each thing that is compiled into
# the program or into its private library, in the words of that thing's own sources. Wants what setup.sh cross installs.
#
# What has no licence file is an error here: so no new dependency is forgotten.
set -euo pipefail
. "$(dirname "$0")/common.sh"

arch=${1:?for which architecture?}
release=${2:?for which release?}
is_release "$release"
cd "$(dirname "$0")/.."
go() { deploy/env.sh --target "$arch" "$release" go "$@"; }

# words FILE: its text however its lines are broken. The Apache License names its address with http or https.
words() { sed 's#https:#http:#g' "$1" | tr -s '[:space:]' ' '; }

apache=$(words LICENSE)

# quote FILE: the file; a reference instead, if nothing but the Apache License is in it (with its appendix, or without).
quote() {
  local text
  text=$(words "$1")
  if [[ $apache == "${text% }"* && $text == *'9. Accepting Warranty or Additional Liability.'* ]]; then
    echo 'Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0'
  else
    cat "$1"
  fi
}

# licences ROOT FOLDER...: the licence files in the folders of a module, and in those above them up to its root. A module's
# part can have a licence of its own.
licences() {
  local root=$1 dir file
  shift
  for dir in "$@"; do
    while :; do
      for file in "$dir"/{LICENSE,LICENCE,COPYING,NOTICE}* "$dir"/THIRD_PARTY_LICENSES/*; do
        # BoringSSL is linked with GOEXPERIMENT=boringcrypto alone.
        [ ! -f "$file" ] || [[ $file == */crypto/internal/boring/LICENSE ]] || echo "$file"
      done
      [[ $dir == "$root"/* ]] || break
      dir=$(dirname "$dir")
    done
  done | LC_ALL=C sort -u
}

# module NAME ROOT FOLDER...: the licences of a module, of which the packages in these folders are linked.
module() {
  local name=$1 files file sum said=' '
  shift
  files=$(licences "$@")
  [ -n "$files" ] || die "$name, which passfail is linked with, has no licence file in $1; ask its authors, or do without it"
  printf '\n\n--- %s\n' "$name"
  while read -r file; do
    sum=$(sha256sum <"$file")
    [[ $said != *" $sum "* ]] || continue # parts of Go repeat Go's
    said+="$sum "
    echo
    quote "$file"
  done <<<"$files"
}

cat NOTICE
printf '\n\nThe licences follow; the Apache License, Version 2.0, is in /usr/share/common-licenses/Apache-2.0.\n'
printf '\n\n--- MobileNetV2 (model/base/mobilenet_v2.tflite)\n\n'
cat model/base/licences/MIT.txt

library=$(basename "$(deploy/tflite.sh --check "$arch")")
[ -e "deploy/licences/$library" ] || die "nobody has looked at what is in $library: its parts' licences belong into deploy/licences/$library"
for file in "deploy/licences/$library"/*; do
  printf '\n\n--- %s (in libtensorflowlite_c.so)\n\n' "${file##*/}"
  cat "$file"
done

tab=$'\t'
packages=$(go list -deps -f "{{if .Standard}}Go$tab{{.Root}}$tab{{.Dir}}{{else if not .Module.Main}}{{.Module.Path}}$tab{{.Module.Dir}}$tab{{.Dir}}{{end}}" ./cmd/passfail)
awk -F '\t' 'NF { m = $1 FS $2; dirs[m] = dirs[m] FS $3 } END { for (m in dirs) print m dirs[m] }' <<<"$packages" | LC_ALL=C sort |
  while IFS=$tab read -r -a fields; do
    module "${fields[@]}"
  done
