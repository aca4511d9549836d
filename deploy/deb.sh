#!/usr/bin/env bash
# deb.sh ARCH RELEASE: makes dist/RELEASE-ARCH/passfail_VERSION_ARCH.deb of what 'build.sh ARCH RELEASE' has built, and prints
# its path. The same sources give the same bytes. Wants what setup.sh cross installs.
set -euo pipefail
. "$(dirname "$0")/common.sh"

arch=${1:?for which architecture?}
release=${2:?for which release?}
is_release "$release"
cd "$(dirname "$0")/.."
out=dist/$release-$arch
[ -x "$out/passfail" ] || die "$out/passfail is not there; build it first"
sysroot=$(deploy/sysroot.sh --check "$arch" "$release")

SOURCE_DATE_EPOCH=$(deploy/version.sh --time)
export SOURCE_DATE_EPOCH
export LC_ALL=C TZ=UTC
umask 022
scratch
root=$tmp/deb
mkdir -p "$root/DEBIAN"

# debian_version: git's version in an order that dpkg understands; of two packages that differ in the release alone, the newer
# release's is the newer.
debian_version() {
  local v number
  v=$(deploy/version.sh)
  case $release in
    bookworm) number=12 ;;
    trixie) number=13 ;;
  esac
  case $v in
    v[0-9]*) v=${v#v} v=${v//-/+} ;;
    *) v="0~git$(date -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).${v//-/+}" ;;
  esac
  echo "$v~deb$number"
}

# depends: the packages of the libraries that the program and its private library need, in the words of these packages.
depends() {
  local needed name version
  readelf -d "$root/usr/bin/passfail" "$root/usr/lib/passfail/libtensorflowlite_c.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    sort -u | while read -r needed; do
    case $needed in
      libtensorflowlite_c.so) continue ;;
      *.so.*) name=${needed%%.so.*} version=${needed##*.so.} ;;
      *) die "which package has $needed? its name has no version" ;;
    esac
    awk -v name="$name" -v version="$version" '$1 == name && $2 == version { $1 = $2 = ""; print; found = 1 } END { exit !found }' "$sysroot/shlibs" ||
      die "no package of Debian $release says that it has $needed"
  done | sed 's/^ *//; s/ *$//' | sort -u
}

# configuration: the repository's config.toml with a package's paths. Each change must find what it changes.
configuration() {
  local text change
  text=$(cat config.toml)
  for change in \
    'source = "demo/parts"|source = "/usr/share/passfail/demo/parts"' \
    'file = "demo/model.tflite"|#file = "/usr/share/passfail/demo/model.tflite"' \
    '#store = "models"|store = "/var/lib/passfail/models"' \
    '# Or, instead of file, a folder|# Here it is a folder'; do
    [[ $text == *"${change%%|*}"* ]] || die "config.toml no longer says: ${change%%|*}"
    text=${text/"${change%%|*}"/"${change#*|}"}
  done
  printf '%s\n' "$text"
}

emulate() { deploy/emulate.sh "$arch" "$release" "$out/passfail" "$@"; }

version=$(debian_version)
install -D "$out/passfail" "$root/usr/bin/passfail"
install -D -m 644 "$out/lib/libtensorflowlite_c.so" "$root/usr/lib/passfail/libtensorflowlite_c.so"
install -D -m 644 demo/model.tflite "$root/usr/share/passfail/demo/model.tflite"
install -D -m 644 -t "$root/usr/share/passfail/demo/parts" demo/parts/*.jpg
install -D -m 644 deploy/systemd/passfail.service "$root/usr/lib/systemd/system/passfail.service"
[ "$release" = bookworm ] || install -D -m 644 deploy/systemd/back-off.conf "$root/usr/lib/systemd/system/passfail.service.d/back-off.conf"
install -D -m 755 -t "$root/usr/lib/passfail" deploy/flash/update.sh
install -m 644 -t "$root/usr/lib/passfail" deploy/flash/update-{package,station}.sh
# Enabled by the package itself: it does nothing unless an update was interrupted, and then nobody must have to ask for it.
install -D -m 644 deploy/systemd/passfail-update.service "$root/usr/lib/systemd/system/passfail-update.service"
mkdir -p "$root/usr/lib/systemd/system/multi-user.target.wants"
ln -s ../passfail-update.service "$root/usr/lib/systemd/system/multi-user.target.wants/passfail-update.service"
install -D -m 644 deploy/udev/60-passfail.rules "$root/usr/lib/udev/rules.d/60-passfail.rules"
mkdir -p "$root/etc/passfail" "$root/usr/share/man/man1" "$root/usr/share/doc/passfail"
configuration >"$root/etc/passfail/config.toml"
emulate man | gzip -9n >"$root/usr/share/man/man1/passfail.1.gz"
for completion in bash:bash-completion/completions/passfail zsh:zsh/vendor-completions/_passfail fish:fish/vendor_completions.d/passfail.fish; do
  mkdir -p "$(dirname "$root/usr/share/${completion#*:}")"
  emulate completion "${completion%%:*}" >"$root/usr/share/${completion#*:}"
done
deploy/copyright.sh "$arch" "$release" >"$root/usr/share/doc/passfail/copyright"
cp docs/*.md "$root/usr/share/doc/passfail/"
{
  printf 'passfail (%s) %s; urgency=medium\n\n  * Built from %s; what changed is in the history of the sources.\n\n' "$version" "$release" "$(deploy/version.sh)"
  printf ' -- The Passfail authors <passfail@passfail.example>  %s\n' "$(date -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$root/usr/share/doc/passfail/changelog.gz"
install -D -m 644 deploy/deb/lintian-overrides "$root/usr/share/lintian/overrides/passfail"

install -m 755 -t "$root/DEBIAN" deploy/deb/{postinst,prerm,postrm}
echo /etc/passfail/config.toml >"$root/DEBIAN/conffiles"
(cd "$root" && find usr etc -type f -not -path etc/passfail/config.toml -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
needs=$(depends)
cat >"$root/DEBIAN/control" <<CONTROL
Package: passfail
Version: $version
Architecture: $arch
Section: science
Priority: optional
Maintainer: The Passfail authors <passfail@passfail.example>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: adduser, ${needs//$'\n'/, }
Recommends: gstreamer1.0-plugins-base, gstreamer1.0-plugins-good, v4l-utils
Suggests: gstreamer1.0-libcamera, gpiod
Description: inspection station for production lines
 Passfail turns a Raspberry Pi and a camera into an inspection station: it
 looks at each part, judges it with a neural network that was trained on your
 own product, and tells the line pass or fail by GPIO pins.
 .
 The service passfail begins with a demo: pictures of parts, and pins that
 only show what they do. /etc/passfail/config.toml is where that is changed.
CONTROL

file=$out/passfail_${version}_$arch.deb
rm -f "$out"/passfail_*_"$arch".deb
find "$root" -print0 | xargs -0 touch -h -d "@$SOURCE_DATE_EPOCH"
dpkg-deb --build --root-owner-group -Zxz "$root" "$file" >/dev/null
echo "$file"
