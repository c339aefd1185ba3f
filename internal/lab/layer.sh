# Installs packages over the root file system $lower: what is written stays in
# $dir/made. Nothing of them is started, here or when a host boots, and a kernel
# gets no initrd.
dir=$1 lower=$2
shift 2
mkdir "$dir/work" "$dir/root"
root=$dir/root
mount -t overlay -o "lowerdir=$lower,upperdir=$dir/made,workdir=$dir/work" overlay "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

cp "$root/etc/resolv.conf" "$dir/resolv.conf"
cat /etc/resolv.conf >"$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
export INITRD=No
chroot "$root" apt-get -q update
chroot "$root" apt-get -q -y --no-install-recommends install "$@"
chroot "$root" sh -c 'dpkg-query -L "$@"' sh "$@" | sed -n 's|.*/systemd/system/\([^/]*\.service\)$|\1|p' |
	xargs -r chroot "$root" systemctl disable
rm -r "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/*
cat "$dir/resolv.conf" >"$root/etc/resolv.conf"
