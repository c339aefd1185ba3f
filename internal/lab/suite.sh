# Has apt of the host that layer.sh makes take PACKAGE/SUITE from that suite of the
# mirror, as one has it whose owner wants so, and leaves PACKAGE for it.
dir=$1 lower=$2
shift 2
mkdir -p "$dir/made/etc/apt/sources.list.d" "$dir/made/etc/apt/preferences.d"
for wanted; do
	shift
	set -- "$@" "${wanted%/*}"
	case $wanted in */*) ;; *) continue ;; esac
	sed -n "s,^\(deb [^ ]*\) [^ ]* .*,\1 ${wanted#*/} main,p" "$lower/etc/apt/sources.list" >"$dir/made/etc/apt/sources.list.d/${wanted#*/}.list"
	printf 'Package: %s\nPin: release n=%s\nPin-Priority: 500\n' "${wanted%/*}" "${wanted#*/}" >"$dir/made/etc/apt/preferences.d/${wanted%/*}"
done
set -- "$dir" "$lower" "$@"
