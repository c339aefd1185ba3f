package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Attributes goes through the attributes of a message of netlink. What was cut
// short ends it.
func Attributes(data []byte) func(yield func(kind uint16, value []byte) bool) {
	const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
	return func(yield func(kind uint16, value []byte) bool) {
		for len(data) >= unix.SizeofRtAttr {
			size := int(binary.NativeEndian.Uint16(data))
			if size < unix.SizeofRtAttr || size > len(data) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(data[2:])&^uint16(flags), data[unix.SizeofRtAttr:size]) {
				return
			}
			data = data[min((size+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1), len(data)):]
		}
	}
}

// Families are those of nf_tables in which iptables has its tables.
var Families = map[byte]string{unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6"}

var protocols = map[string]uint8{"ip": unix.NFPROTO_IPV4, "ip6": unix.NFPROTO_IPV6}
