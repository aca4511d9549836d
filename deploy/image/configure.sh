#!/usr/bin/env bash
# configure.sh: run by image.sh inside the card's root file system: installs /tmp/passfail.deb and does what /tmp/station says.
# /tmp/station holds files/, to be laid over the root, and station.env: HOST, ADMIN, PASSWORD (a hash, or empty), ZONE.
set -euo pipefail

# shellcheck source=/dev/null
. /tmp/station/station.env
[ -e "/usr/share/zoneinfo/$ZONE" ] || {
  echo "timezone = \"$ZONE\": Debian has it not, or under another name" >&2
  exit 1
}

printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d # start nothing here
chmod 755 /usr/sbin/policy-rc.d
rm -f /var/lib/man-db/auto-update # an index of the manual pages takes longer to make than it saves
dpkg --install /tmp/passfail.deb
[ -d /var/lib/passfail/models ] || {
  echo "the package has not put the demo's model into /var/lib/passfail/models: the station would not start" >&2
  exit 1
}
rm /usr/sbin/policy-rc.d

useradd --create-home --shell /bin/bash --groups sudo,adm,systemd-journal,gpio,video,dialout "$ADMIN"
if [ -n "$PASSWORD" ]; then
  usermod --password "$PASSWORD" "$ADMIN"
  echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-password.conf
else
  # Who has a key and no password cannot type one.
  echo "$ADMIN ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/station
  chmod 440 /etc/sudoers.d/station
fi
passwd --quiet --lock root

cp -R /tmp/station/files/. /
if [ -d "/home/$ADMIN/.ssh" ]; then
  chown -R "$ADMIN:$ADMIN" "/home/$ADMIN/.ssh"
  chmod 700 "/home/$ADMIN/.ssh"
  chmod 600 "/home/$ADMIN/.ssh/authorized_keys"
fi
if [ -e /etc/passfail/config.toml ]; then
  chown root:passfail /etc/passfail/config.toml
  chmod 640 /etc/passfail/config.toml
fi
if [ -e /etc/wpa_supplicant/wpa_supplicant-wlan0.conf ]; then
  chmod 600 /etc/wpa_supplicant/wpa_supplicant-wlan0.conf
  # Not enabled: that would have the start wait 90 s for a wlan0 that is not there. With the device, it is started.
  echo 'ACTION!="remove", SUBSYSTEM=="net", KERNEL=="wlan0", TAG+="systemd", ENV{SYSTEMD_WANTS}+="wpa_supplicant@wlan0.service"' \
    >/etc/udev/rules.d/70-station-wlan.rules
fi

systemctl --quiet enable systemd-networkd.service systemd-resolved.service systemd-timesyncd.service ssh.service \
  passfail-grow.service passfail-hostkeys.service
systemctl --quiet disable systemd-networkd-wait-online.service wpa_supplicant.service e2scrub_reap.service || true
systemctl --quiet set-default multi-user.target
# What a station has no use for, and what writes on a card for nothing. Each is some tenths of a second of the start on a Pi 3.
systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer dpkg-db-backup.timer man-db.timer \
  getty-static.service systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
  systemd-random-seed.service dev-hugepages.mount dev-mqueue.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
# Users, caches and catalogues are as the packages have made them: nothing is to be made anew at the first start.
touch /etc/.updated /var/.updated
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf

# The boot partition is mounted read-only, so nothing may want to write on it by itself.
apt-mark -qq hold linux-image-arm64 "linux-image-$(basename "$(echo /lib/modules/*)")" raspi-firmware

# Each station makes its own at its first start.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /var/lib/systemd/random-seed
: >/etc/machine-id

apt-get clean
rm -rf /var/lib/apt/lists/*
