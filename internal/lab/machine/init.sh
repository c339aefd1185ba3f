#!/bin/busybox sh
# The first program in the machine. It comes to the disk, makes a root file system
# of the layers on it, and runs what was taken along. The kernel's command line has
# cache=, where the lab's cache is mounted, and lower=, the layers of the root file
# system in it.
#
# ttyS0 is the console, ttyS1 what the script prints, ttyS2 how the machine is.
set -eu
busybox mkdir -p /proc /dev /disk /root
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
echo booted >/dev/ttyS2
while read -r module; do busybox insmod "$module"; done </modules

# The kernel makes variables of what it does not know on its command line.
busybox mount -t ext4 -o noatime /dev/vda /disk
busybox mkdir -p /disk/machine/upper /disk/machine/work
cd /disk
# charon's plugin af-alg has the kernel load every cipher there is, one by one, which
# takes a processor that is emulated half a minute a host.
busybox sed -i 's/load = yes/load = no/' root-*/etc/strongswan.d/charon/af-alg.conf
busybox mount -t overlay -o "lowerdir=$lower,upperdir=machine/upper,workdir=machine/work" overlay /root
cd /
busybox mkdir -p "/root$cache" /root/job
busybox mount -o move /disk "/root$cache"
busybox mount -o move /dev /root/dev
busybox umount /proc
busybox tar -x -f /root/dev/vdb -C /root/job

busybox cat >/root/job/.init <<'INIT'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ip link set lo up
hostname machine
# Each host's systemd takes some of them.
echo 1024 >/proc/sys/fs/inotify/max_user_instances
stty -F /dev/ttyS1 -opost
cd /job
setsid sh /job/.script </dev/null >/dev/ttyS1 2>&1
echo "ended with status $?" >/dev/ttyS2
sleep 1 # until the line is out
echo o >/proc/sysrq-trigger
sleep 60
INIT
exec busybox env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	HOME=/root USER=root SHELL=/bin/sh LANG=C.UTF-8 TERM=dumb VPND_MACHINE=1 VPND_LAB_CACHE="$cache" \
	busybox switch_root /root /bin/sh /job/.init
