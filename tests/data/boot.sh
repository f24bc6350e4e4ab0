#!/bin/sh
# boot.sh DIRECTORY: systemd as the first process of a machine of its own as far as it sees, with one service. Run by
# unshare --mount --pid --fork --cgroup --ipc --uts, in control groups that end with it. The directory has: units/, program, catalog,
# passwd, group.
set -eu
from=$1
mount --make-rprivate /
awk '$3 == "fuse.ntmsfs" { print $2 }' /proc/self/mounts | xargs -r -n 1 umount -l || true
# What systemd does with control groups it does below those of this process.
awk '$3 == "cgroup" || $3 == "cgroup2" { print $2, $3, $4 }' /proc/self/mounts | while read -r at kind options; do
    umount "$at"
    mount -t "$kind" -o "$options" cgroup "$at"
done
mount -t proc proc /proc
mount -t tmpfs run /run
mount -t tmpfs srv /srv
mount -t tmpfs lib /var/lib
mount --bind "$from/passwd" /etc/passwd
mount --bind "$from/group" /etc/group
mkdir -p /run/lock /run/systemd/system /srv/media /var/lib/ntmsfs/media
cp "$from/program" /run/ntmsfs
cp "$from"/units/* /run/systemd/system
mkdir "/run/systemd/system/ntmsfs@.service.d"
# Nothing of the machine is started; a service that hangs is given up soon.
printf '[Unit]\nDefaultDependencies=no\n[Service]\nWatchdogSec=1\nTimeoutStopSec=2\nStandardError=append:/run/log\n' \
    >"/run/systemd/system/ntmsfs@.service.d/test.conf"
printf '[Unit]\nDefaultDependencies=no\nWants=ntmsfs@media.service\n' >/run/systemd/system/test.target
chmod 711 /var/lib/ntmsfs /var/lib/ntmsfs/media
cp "$from/catalog" /var/lib/ntmsfs/media/catalog
chown -R 4003:4004 /var/lib/ntmsfs
# Mounts reach the views of services, as on any machine.
mount --make-rshared /
container="test" exec /lib/systemd/systemd --system --unit=test.target --log-target=null
