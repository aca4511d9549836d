#!/usr/bin/env bash
# image-test.sh RELEASE: makes the image of a station of its own, of the package that 'deb.sh arm64 RELEASE' has made, and looks into
# it without starting it: the partitions, each file system, what a Pi's firmware wants to find, and what station.toml said.
# Needs root. Starting it is for 'make e2e'.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../checks.sh"

release=${1:?of which release?}
is_release "$release"
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
scratch

ssh-keygen -q -t ed25519 -N '' -C test -f "$tmp/key"
sed 's|"demo/model.tflite"|"/usr/share/passfail/demo/model.tflite"|; s|^source = .*|source = "/dev/passfail/camera"|; s|^vote = 1|vote = 3|' config.toml >"$tmp/carried.toml"
cat >"$tmp/station.toml" <<TOML
hostname = "tested"
timezone = "Europe/Berlin"
config = "carried.toml"
[user]
name = "anna"
ssh_keys = ["$(cat "$tmp/key.pub")"]
[wlan]
ssid = "factory"
password = "not for the card"
country = "DE"
[network]
address = "192.168.7.20/24"
gateway = "192.168.7.1"
TOML
card=$tmp/card.img
deploy/image/image.sh "$release" "$tmp/station.toml" "$card" >/dev/null

# check WHAT COMMAND...: the command succeeds, in a shell of its own, which ends with the first command that fails.
check() {
  local what=$1 text code
  shift
  set +e
  text=$(
    set -e
    "$@" 2>&1
  )
  code=$?
  set -e
  if [ $code -eq 0 ]; then
    ok "$what"
  else
    not_ok "$what" <<<"$text"
  fi
}
not() { ! "$@"; }

sfdisk --dump "$card" >"$tmp/table"
# field N NAME: of the partition's line in the table; in sectors, or the type.
field() { sed -n "s|^.*card.img$1 :.* $2= *\([0-9a-f]*\).*|\1|p" "$tmp/table"; }
offset() { echo $(($(field "$1" start) * 512)); }
fat() { "$1" -i "$card@@$(offset 1)" "${@:2}"; }
# inside N REQUEST: what debugfs says of the ext4 in that partition. Its exit code is always 0.
inside() { debugfs -R "$2" "$card?offset=$(offset "$1")" 2>&1; }
content() { [[ $(inside 2 "cat $1") == *$2* ]] || { inside 2 "cat $1"; false; }; }
# mode FILE MODE: permissions and type, as in 0600; user and group where given.
mode() { inside 2 "stat $1" | tr -s ' \n' ' ' | grep -E "Type: [a-z]+ Mode: $2 .*User: ${3-0} Group: ${4-0} " || { inside 2 "stat $1"; false; }; }
missing() { [[ $(inside 2 "stat $1") == *'File not found'* ]]; }
link() { [[ $(inside 2 "stat $1") == *"Fast link dest: \""*"$2\""* ]] || { inside 2 "stat $1"; false; }; }

table() {
  local n last=0
  cat "$tmp/table"
  [ "$(grep -c 'start=' "$tmp/table")" -eq 4 ]
  [ "$(field 1 type) $(field 2 type) $(field 3 type) $(field 4 type)" = "c 83 83 83" ]
  for n in 1 2 3 4; do
    [ "$(field "$n" start)" -ge "$last" ]
    [ $(($(field "$n" start) % 8192)) -eq 0 ]
    last=$(($(field "$n" start) + $(field "$n" size)))
  done
  [ "$(field 2 size)" = "$(field 3 size)" ]
  [ $((last * 512)) -eq "$(stat -c %s "$card")" ]
}
labelled() { [ "$(blkid -p -O "$(offset "$1")" -s LABEL -o value "$card")" = "$2" ]; }
empty_partition() { cmp -n $(($(field 3 size) * 512)) -i "$(offset 3):0" "$card" /dev/zero; }
fat_sound() {
  dd if="$card" of="$tmp/fat" bs=1M skip=$(($(offset 1) >> 20)) count=$(($(field 1 size) >> 11)) status=none
  fsck.fat -n "$tmp/fat"
}
# boots: config.txt names a kernel and an initramfs that are there, and cmdline.txt the root that is.
boots() {
  local file
  fat mtype ::config.txt >"$tmp/config.txt"
  fat mtype ::cmdline.txt >"$tmp/cmdline.txt"
  fat mdir -b :: >"$tmp/files"
  cat "$tmp/config.txt" "$tmp/cmdline.txt" "$tmp/files"
  grep -qxF "::/$(sed -n 's/^kernel=//p' "$tmp/config.txt")" "$tmp/files"
  grep -qxF "::/$(sed -n 's/^initramfs //p' "$tmp/config.txt")" "$tmp/files"
  grep -q '^arm_64bit=1' "$tmp/config.txt"
  grep -q 'root=LABEL=pf-root-a .*\bro\b' "$tmp/cmdline.txt"
  for file in bootcode.bin start.elf start4.elf fixup.dat fixup4.dat bcm2837-rpi-3-b.dtb bcm2711-rpi-4-b.dtb; do
    grep -qxF "::/$file" "$tmp/files"
  done
}
initramfs() {
  local file packed
  fat mcopy -n "::$(sed -n 's/^initramfs //p' "$tmp/config.txt")" "$tmp/initrd"
  # Trixie's has an archive before the packed one, of what is packed already.
  packed=$(LC_ALL=C grep -obUaP '\x02\x21\x4c\x18' "$tmp/initrd" | sed -n '1s/:.*//p')
  {
    [ "$packed" -eq 0 ] || head -c "$packed" "$tmp/initrd" | cpio --quiet -t
    tail -c "+$((packed + 1))" "$tmp/initrd" | lz4 -dc | cpio --quiet -t
  } >"$tmp/list"
  cat "$tmp/list"
  for file in scripts/local-bottom/passfail sbin/e2fsck overlay.ko sdhci-iproc.ko virtio_blk.ko; do
    grep -q "/\?$file\(\.xz\)\?$" "$tmp/list"
  done
}

check "four partitions on borders of 4 MiB, two of the same size for the system" table
check "1 is PF-BOOT" labelled 1 PF-BOOT
check "2 is pf-root-a" labelled 2 pf-root-a
check "4 is pf-data" labelled 4 pf-data
check "3 is empty" empty_partition
check "the FAT is sound" fat_sound
for n in 2 4; do
  check "the ext4 of partition $n is sound" e2fsck -fn "$card?offset=$(offset $n)"
done
check "firmware, kernel, initramfs, device trees, command line" boots
check "the initramfs has the overlay, e2fsck and the drivers" initramfs

check "host name" content /etc/hostname tested
check "time zone" link /etc/localtime /usr/share/zoneinfo/Europe/Berlin
check "the user's key" content /home/anna/.ssh/authorized_keys "$(cut -d ' ' -f 2 "$tmp/key.pub")"
check "… is the user's" mode /home/anna/.ssh/authorized_keys 0600 1000 1000
check "the user may become root" content /etc/sudoers.d/station 'anna ALL=(ALL) NOPASSWD: ALL'
check "WLAN: a key, not the password" content /etc/wpa_supplicant/wpa_supplicant-wlan0.conf psk=
check "… in a file that only root reads" mode /etc/wpa_supplicant/wpa_supplicant-wlan0.conf 0600
check "… and is switched on when there is a wlan0" content /etc/udev/rules.d/70-station-wlan.rules 'SYSTEMD_WANTS}+="wpa_supplicant@wlan0.service"'
check "… and not waited for" missing /etc/systemd/system/multi-user.target.wants/wpa_supplicant@wlan0.service
check "fixed address" content /etc/systemd/network/10-station.network Address=192.168.7.20/24
check "the configuration that is carried" content /etc/passfail/config.toml 'vote = 3'
check "the service is switched on" link /etc/systemd/system/multi-user.target.wants/passfail.service systemd/system/passfail.service
check "there is a model to judge by, on the data partition" grep -E '20[0-9]{6}-[0-9]{6}' <(inside 4 'ls /passfail/models')
check "… and on the system, for a station whose data is lost" grep -E '20[0-9]{6}-[0-9]{6}' <(inside 2 'ls /var/lib/passfail/models')
check "each station makes its own host key" missing /etc/ssh/ssh_host_ed25519_key
check "… and its own machine-id" grep -q 'Size: 0' <(inside 2 'stat /etc/machine-id')
check "nothing is left of making it" missing /tmp/station
check "the password of the WLAN is nowhere" not grep -qaF 'not for the card' "$card"

tally
