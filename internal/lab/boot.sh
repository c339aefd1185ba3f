# Boots one host. Runs as the first process of a PID and a mount namespace,
# with the host's network namespace as file descriptor 3.
name=$1 lower=$2 dir=$3
shift 3

# systemd inside takes the control group it starts in for the root of the tree,
# and two hosts in one group would stop each other's units.
for group; do
	echo 0 >"$group/cgroup.procs"
done

# nspawn keeps locks and mount points in /run, which is the machine's.
mount -t tmpfs -o mode=755 tmpfs /run
: >/run/net
mount --bind /proc/self/fd/3 /run/net
exec 3<&-

mount -t overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root"

# systemd runs all its generators whenever it reads its units, which takes most of
# that time. What these make no host of a lab needs, not even a console.
masks=$dir/root/etc/systemd/system-generators
mkdir -p "$masks"
for generator in "$dir"/root/usr/lib/systemd/system-generators/systemd-*; do
	case $generator in
	*-sysv-generator) ;;
	*) ln -sf /dev/null "$masks/${generator##*/}" ;;
	esac
done

# A network namespace of ours counts as the machine's own for nspawn, which
# then withholds the capability and the writable /proc/sys/net.
# A host of metal has fanotify(7) too.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_LOG_TARGET=console
exec systemd-nspawn --quiet --boot --machine="$name" --directory="$dir/root" \
	--register=no --keep-unit --settings=no --link-journal=no --resolv-conf=off --timezone=off \
	--console=read-only --network-namespace-path=/run/net --capability=CAP_NET_ADMIN \
	--system-call-filter="fanotify_init fanotify_mark" \
	-- --show-status=yes
