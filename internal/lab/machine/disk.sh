# Makes what a machine boots from, in $dir/made: the disk, with the lab's cache as
# it is on this machine (root file system and layers), kernel and initrd.
#
# The first layer is the machine's own and has the kernel.
dir=$1 init=$2 root=$3
shift 3
kernel=$(echo "$1"/boot/vmlinuz-*)
version=${kernel##*/vmlinuz-}

mkdir "$dir/cache" "$dir/root" "$dir/initrd"
for layer in "$root" "$@"; do
	mkdir "$dir/cache/${layer##*/}"
	mount --bind "$layer" "$dir/cache/${layer##*/}"
done
# It is never written to, so it needs no journal. Blocks that are not used are holes.
truncate -s 8G "$dir/made/disk"
mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 -d "$dir/cache" "$dir/made/disk"

# The initrd has what is needed to come to the disk: a shell, modules in the order
# in which they are loaded, and init.
mount -t overlay -o "lowerdir=$1:$root" overlay "$dir/root"
for module in virtio_pci virtio_blk ext4 overlay; do
	chroot "$dir/root" modprobe --set-version "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$dir/initrd/modules"
while read -r module; do
	install -D "$dir/root/$module" "$dir/initrd/$module"
done <"$dir/initrd/modules"
install -D "$dir/root/bin/busybox" "$dir/initrd/bin/busybox"
printf '%s' "$init" >"$dir/initrd/init"
chmod 755 "$dir/initrd/init"
cd "$dir/initrd"
find . | bin/busybox cpio -o -H newc >"$dir/made/initrd" 2>/dev/null
cp "$kernel" "$dir/made/kernel"
