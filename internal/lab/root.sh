# What a fresh root file system in $dir is given and relieved of. The packages'
# archives stay in /var/cache/apt: with them apt-get can put back offline what
# was removed.

# Each host gets its own.
rm -f "$dir"/etc/ssh/ssh_host_* "$dir"/var/lib/dbus/machine-id
: >"$dir/etc/machine-id"

# The machine's name and name server, which debootstrap copies.
rm -f "$dir/etc/hostname" "$dir/etc/resolv.conf"
echo '# A lab has no name server.' >"$dir/etc/resolv.conf"

# Timers that would run apt, and hold its lock, while a test does.
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim; do
	rm -f "$dir/etc/systemd/system/timers.target.wants/$timer.timer"
done

# Host keys, at the first boot; one kind, because RSA takes a second.
units=$dir/usr/lib/systemd/system
cat >"$units/lab-hostkey.service" <<'UNIT'
[Unit]
Description=SSH host key
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
UNIT
mkdir -p "$units/multi-user.target.wants"
ln -s ../lab-hostkey.service "$units/multi-user.target.wants/"
