#!/bin/sh
# Makes a Debian package of an installed tree (make install DESTDIR=TREE), which
# it takes over. The same tree, version and SOURCE_DATE_EPOCH give the same bytes.
# usage: deb.sh TREE VERSION PACKAGE
set -eu
umask 022
tree=$1 version=$2-1 package=$3
from=$(dirname "$0")/debian
doc=$tree/usr/share/doc/vpnd
maintainer=$(sed -n 's/^Maintainer: //p' "$from/control.in")

# The licences of all that is linked in, which ask to be passed on.
licenses() {
	printf '%s\n\n' "Go's library:"
	cat "$(go env GOROOT)/LICENSE"
	go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/vpnd | LC_ALL=C sort -u |
		while read -r module number dir; do
			printf '\n%s %s:\n\n' "$module" "$number"
			cat "$dir"/LICENSE*
		done
}

changelog() {
	printf 'vpnd (%s) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' \
		"$version" "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

# dpkg counts in KiB, each file rounded up, and 1 for each directory.
size() {
	find "$tree" -mindepth 1 -path "$tree/DEBIAN" -prune -o -printf '%y %s\n' |
		awk '{ kib += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print kib }'
}

install -d "$doc" "$tree/DEBIAN"
install -d -m 0750 "$tree/etc/vpnd"
install -d -m 0700 "$tree/var/lib/vpnd"
install -D -m 0644 "$from/lintian-overrides" "$tree/usr/share/lintian/overrides/vpnd"
install -m 0644 "$from/copyright" "$from/README.Debian" "$doc"
gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
changelog | gzip -9n >"$doc/changelog.Debian.gz"
licenses | gzip -9n >"$doc/licenses.gz"
find "$tree/usr/share/man" -type f -exec gzip -9n {} +

install -m 0755 "$from/postinst" "$from/prerm" "$from/postrm" "$tree/DEBIAN"
(cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$(dpkg --print-architecture)/" \
	-e "s/@SIZE@/$(size)/" "$from/control.in" >"$tree/DEBIAN/control"
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$tree" "$package" >/dev/null
