#!/usr/bin/env bash
# tflite.sh [ARCH]: puts TensorFlow Lite's C library for ARCH (amd64, arm64; this machine's if left out) and its
# headers into the cache and prints the folder that holds them; fetches only what is missing or damaged.
# tflite.sh --check [ARCH]: prints the folder, or fails; fetches nothing.
#
# Debian has no such package. Maven Central has the library inside a Java archive, and the newest headers
# that compile inside an Android one. tflite.sha256 pins the archives and what is taken from them.
set -euo pipefail
. "$(dirname "$0")/common.sh"

check=
if [ "${1-}" = --check ]; then
  check=yes
  shift
fi
arch=${1:-$(machine)}
case $arch in
  amd64) platform=linux-x86_64 ;;
  arm64) platform=linux-arm64 ;;
  *) die "no TensorFlow Lite library for '$arch'; there are amd64 and arm64" ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
dir=$cache/tflite-2.21.0
library=$arch/libtensorflowlite_c.so

# whole PATTERN: the pinned files under the folder that match PATTERN are there, byte for byte.
whole() { (cd "$1" 2>/dev/null && grep -E "  $2" "$here/tflite.sha256" | sha256sum --check --status 2>/dev/null); }

# fetch COORDINATES FILE: fetches the archive FILE from Maven Central into the scratch folder.
# With a repository of its own: a damaged archive must not come back out of ~/.m2 the next time.
fetch() {
  mvn -q -B -Dmaven.repo.local="$tmp/m2" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact="$1" -DoutputDirectory="$tmp" &>"$tmp/log" || {
    cat "$tmp/log" >&2
    die "$1 could not be fetched from Maven Central: see above. Check the network, then run the same make again."
  }
  whole "$tmp" "$2\$" ||
    die "$2 arrived damaged or changed: its sha256 is not the one in deploy/tflite.sha256; nothing was kept. Run the same make again; if it stays so, look at the mirror in ~/.m2/settings.xml."
}

if ! { whole "$dir" "$library\$" && whole "$dir" include/; }; then
  [ -z "$check" ] || exit 1
  if [ -e "$dir/$library" ] && ! whole "$dir" "$library\$"; then
    say "$dir/$library is damaged; fetching it again"
  else
    say "fetching TensorFlow Lite for $arch"
  fi
  for tool in mvn unzip; do
    command -v "$tool" >/dev/null || die "$tool is needed to fetch TensorFlow Lite; 'make setup' installs it"
  done
  scratch

  if ! whole "$dir" "$library\$"; then
    jar=tensorflow-lite-2.21.0-1.5.14-$platform.jar
    fetch "org.bytedeco:tensorflow-lite:2.21.0-1.5.14:jar:$platform" "$jar"
    mkdir "$tmp/$arch"
    unzip -q -j "$tmp/$jar" "org/bytedeco/tensorflowlite/$platform/libjnitensorflowlite.so" -d "$tmp/$arch"
    mv "$tmp/$arch/libjnitensorflowlite.so" "$tmp/$library"
    whole "$tmp" "$library\$" || die "the library in $jar is not the pinned one; deploy/tflite.sha256 and deploy/tflite.sh do not fit together"
    mkdir -p "$dir/$arch"
    mv "$tmp/$library" "$dir/$library"
  fi

  if ! whole "$dir" include/; then
    fetch org.tensorflow:tensorflow-lite:2.12.0:aar tensorflow-lite-2.12.0.aar
    unzip -q "$tmp/tensorflow-lite-2.12.0.aar" 'headers/*' -d "$tmp"
    mv "$tmp/headers" "$tmp/include"
    whole "$tmp" include/ || die "the headers in tensorflow-lite-2.12.0.aar are not the pinned ones; deploy/tflite.sha256 and deploy/tflite.sh do not fit together"
    rm -rf "$dir/include"
    mv -T "$tmp/include" "$dir/include"
  fi
fi
echo "$dir"
