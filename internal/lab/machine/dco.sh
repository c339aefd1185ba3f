# Builds the module by which the kernel carries OpenVPN's data (ovpn-dco-v2), which
# Debian has as source alone, for the kernel of the layer $own. Nothing stays in
# $dir/made but the module and what tells modprobe of it.
dir=$1 root=$2 own=$3
umask 022
mkdir "$dir/upper" "$dir/work" "$dir/root"
built=$dir/root
mount -t overlay -o "lowerdir=$own:$root,upperdir=$dir/upper,workdir=$dir/work" overlay "$built"
mount -t proc proc "$built/proc"
mount --rbind /dev "$built/dev"
cat /etc/resolv.conf >"$built/etc/resolv.conf"
kernel=$(echo "$own"/boot/vmlinuz-*)
version=${kernel##*/vmlinuz-}
modules=usr/lib/modules/$version

export INITRD=No
chroot "$built" apt-get -q update
chroot "$built" apt-get -q -y --no-install-recommends install "linux-headers-$version" dkms gcc make openvpn-dco-dkms
mkdir -p "$dir/made/$modules"
cp -a "$built/$modules/updates" "$built/$modules"/modules.* "$dir/made/$modules"
test -e "$(echo "$dir/made/$modules"/updates/dkms/ovpn-dco-v2.ko*)"
