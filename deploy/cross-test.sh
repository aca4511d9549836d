#!/usr/bin/env bash
# cross-test.sh ARCH RELEASE: tests what 'build.sh ARCH RELEASE' has built: it runs and judges the demo's pictures, under qemu
# where the processor is another one; it is linked with what it uses alone; and it comes out the same, byte for byte,
# in another folder with nothing of Go's kept from before, and so does its package (--quick leaves that out).
set -euo pipefail
. "$(dirname "$0")/common.sh"

quick=
if [ "${1-}" = --quick ]; then
  quick=yes
  shift
fi
arch=${1:?which architecture?}
release=${2:?which release?}
cd "$(dirname "$0")/.."
out=dist/$release-$arch
[ -x "$out/passfail" ] || die "$out/passfail is not there; build it first"

passed=0
ok() {
  passed=$((passed + 1))
  say "ok: $*"
}

emulate() { deploy/emulate.sh "$arch" "$release" "$out/passfail" "$@"; }

got=$(emulate version)
case $got in
  "passfail $(deploy/version.sh) linux/$arch, "*) ok "$got" ;;
  *) die "this is not the version of this checkout on $arch: $got" ;;
esac

# Each of the demo's pictures is named for what is on it.
pictures=(demo/parts/00[1-6]-*.jpg)
while read -r file verdict _; do
  [[ $file == *-good.jpg && $verdict == pass || $file != *-good.jpg && $verdict == fail ]] || die "$file: $verdict"
done < <(emulate classify --model demo/model.tflite "${pictures[@]}" | tail -n +2 | tee "$out/verdicts")
[ "$(wc -l <"$out/verdicts")" -eq ${#pictures[@]} ] || die "not every picture was judged: $(cat "$out/verdicts")"
rm "$out/verdicts"
ok "${#pictures[@]} pictures judged right"

others=$(readelf -d "$out/passfail" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
  grep -vE '^(libopencv_(core|imgproc|imgcodecs|videoio)\.so\.[0-9]+|libtensorflowlite_c\.so|lib(stdc\+\+|m|gcc_s|c)\.so\.[0-9]|ld-linux-.*)$' || true)
[ -z "$others" ] || die "linked with more than is used: $others"
ok "linked with four modules of OpenCV alone"

if [ -z "$quick" ]; then
  scratch
  mkdir -p "$tmp/elsewhere/passfail"
  git ls-files -z --cached --others --exclude-standard | xargs -0 tar -c --ignore-failed-read 2>/dev/null | tar -x -C "$tmp/elsewhere/passfail"
  deploy/version.sh >"$tmp/elsewhere/passfail/VERSION"
  GIT_CEILING_DIRECTORIES=$tmp GOCACHE=$tmp/go "$tmp/elsewhere/passfail/deploy/build.sh" "$arch" "$release"
  deb=$(deploy/deb.sh "$arch" "$release")
  again=$(GIT_CEILING_DIRECTORIES=$tmp SOURCE_DATE_EPOCH=$(deploy/version.sh --time) "$tmp/elsewhere/passfail/deploy/deb.sh" "$arch" "$release")
  cmp "$out/passfail" "$tmp/elsewhere/passfail/$out/passfail" || die "two builds of the same sources differ; diffoscope would tell where"
  ok "the same program in another folder: $(sha256sum "$out/passfail" | cut -d ' ' -f 1)"
  cmp "$deb" "$tmp/elsewhere/passfail/$again" || die "two packages of the same sources differ"
  ok "the same package in another folder: $(sha256sum "$deb" | cut -d ' ' -f 1)"
fi
say "$release-$arch: $passed passed"
