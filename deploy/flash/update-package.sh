# shellcheck shell=bash
# What update.sh does with packages: what is installed, installing, packing again what is installed. Sourced, not run.

# Set by update.sh.
: "${dir:?}" "${config:?}" "${service:?}"

field() { dpkg-deb --field "$1" "$2" 2>/dev/null; }
status() { dpkg-query -W -f='${db:Status-Status}' passfail 2>/dev/null || echo not-installed; }
version() { dpkg-query -W -f='${Version}' passfail 2>/dev/null; }
sums() { dpkg-deb --ctrl-tarfile "$1" | tar -xO ./md5sums; }

# is_installed DEB: this very package, not only its version, is installed, whole and configured.
is_installed() {
  [ "$(status)" = installed ] && [ "$(version)" = "$(field "$1" Version)" ] &&
    cmp -s <(sums "$1") <(dpkg-query --control-show passfail md5sums) && ! damage | grep -q .
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

# apt_install DEB: with what it depends on. Nothing is changed before all of that is here.
apt_install() {
  local options=(install --allow-downgrades --reinstall "$1")
  # A first installation takes what is recommended too, if it can be had; to an update it makes no difference.
  if [ -z "${state[from]}" ] && fetch "${options[@]}"; then
    apt_ "${options[@]}"
    return
  fi
  options+=(--no-install-recommends)
  fetch "${options[@]}" && apt_ "${options[@]}"
}

# fetch OPTION...: gets what apt-get with these options would download; asks the archives anew if it must.
fetch() {
  apt_ --download-only "$@" >/dev/null && return
  apt_ update || true # what cannot be had is said next
  apt_ --download-only "$@"
}

# rebuild FILE: packs the installed version again, from its files and what dpkg remembers of them.
rebuild() {
  local root=$dir/rebuilt name path sum
  rm -rf "$root"
  mkdir -p "$root/DEBIAN"
  dpkg-query -L passfail | while read -r path; do
    [ ! -e "$path" ] || printf '%s\n' ".$path"
  done | tar -C / -c --no-recursion --files-from=- | tar -C "$root" -xp
  dpkg-query --control-list passfail | while read -r name; do
    cp -p "$(dpkg-query --control-path passfail "$name")" "$root/DEBIAN/$name"
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
  # The quickest that dpkg knows and that still makes it smaller: the station inspects meanwhile.
  dpkg-deb --build --root-owner-group -Zzstd -z1 "$root" "$1" >/dev/null
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

# drop_scripts: the installed package is left without its scripts. dpkg has no option for that.
drop_scripts() {
  local name
  for name in preinst prerm postrm postinst; do
    rm -f "$(dpkg-query --control-path passfail "$name" 2>/dev/null)"
  done
}

# put_back DEB: installs it over whatever is there.
put_back() {
  # The bad version may have used up the limit on starts, and the package asks for one more.
  systemctl reset-failed "$service" 2>/dev/null || true
  dpkg_ --force-downgrade --install "$1" && is_installed "$1" && return
  apt_install "$1" && is_installed "$1" && return
  note "the scripts of the package that is taken back stand in the way; going without them"
  drop_scripts
  dpkg_ --force-downgrade --force-depends --install "$1" && is_installed "$1"
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
  for place in /usr "$dir"; do
    free=$(df --output=avail -k "$place" | tail -n 1)
    [ "$free" -ge "$need" ] || die "$((free / 1024)) MiB are free at $place, and the update needs $((need / 1024)): make room first (sudo apt-get clean; pictures in /var/lib/passfail)"
  done
}
