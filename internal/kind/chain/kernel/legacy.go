// Package kernel reads rules from the kernel itself, without a program of iptables,
// where that is quicker or tells more than iptables-save.
//
// There are two ways into the kernel, and neither sees the rules of the other:
// nf_tables, asked by netlink, and the legacy tables, asked by getsockopt(2). Of
// both are told
//
//   - whether anything has changed: the number of the last transaction of nf_tables,
//     see [Generation], and a hash of each legacy table, see [Fingerprints];
//   - what a rule is to the byte, see [Imprint];
//   - which chains of vpnd's own there are, see [OwnChains].
//
// All is of the network namespace of the calling thread.
package kernel

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"maps"
	"os"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The backends of iptables.
const (
	NFT    = "nft"
	Legacy = "legacy"
)

// LegacyTables lists the tables that the legacy backend has in the network of
// the calling thread.
func LegacyTables(family string) []string {
	// Without the module there is no such file, and no table.
	names, _ := os.ReadFile("/proc/thread-self/net/" + family + "_tables_names")
	return strings.Fields(string(names))
}

// Fingerprints returns one for each legacy table that is there.
func Fingerprints(seed maphash.Seed) (map[string]uint64, error) {
	prints := make(map[string]uint64)
	for _, family := range slices.Sorted(maps.Keys(layouts)) {
		for _, table := range LegacyTables(family) {
			entries, err := ReadLegacy(family, table)
			if errors.Is(err, unix.ENOENT) {
				continue // just unloaded
			}
			if err != nil {
				return nil, err
			}
			prints[family+"/"+table] = layouts[family].hash(seed, entries)
		}
	}
	return prints, nil
}

// A layout is how a family's rules look in memory: struct ipt_entry of
// linux/netfilter_ipv4/ip_tables.h, and struct ip6t_entry of ip6_tables.h.
type layout struct {
	domain, level int
	next          int // where the u16 is that says how long the entry is
	counters      int // where the two u64 are that traffic changes
	head          int // how long the entry is without matches and target
}

var layouts = map[string]layout{
	"ip":  {domain: unix.AF_INET, level: unix.SOL_IP, next: 90, counters: 96, head: 112},
	"ip6": {domain: unix.AF_INET6, level: unix.SOL_IPV6, next: 142, counters: 152, head: 168},
}

// Socket options, IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES, the same for IPv6.
const (
	getInfo    = 64
	getEntries = 65
)

// info is struct ipt_getinfo.
type info struct {
	name       [32]byte
	validHooks uint32
	hooks      [5]uint32
	underflows [5]uint32
	entries    uint32
	size       uint32
}

// entriesHead is how long struct ipt_get_entries is before its entries.
const entriesHead = 40

// read returns the rules of a table as the kernel holds them. It must be there
// already: asking for one makes it.
func (l layout) read(table string) ([]byte, error) {
	fd, err := unix.Socket(l.domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for range 5 {
		var about info
		copy(about.name[:], table)
		if err := getsockopt(fd, l.level, getInfo, unsafe.Pointer(&about), unsafe.Sizeof(about)); err != nil {
			return nil, err
		}
		answer := make([]byte, entriesHead+int(about.size))
		copy(answer, table)
		binary.NativeEndian.PutUint32(answer[32:], about.size)
		err = getsockopt(fd, l.level, getEntries, unsafe.Pointer(&answer[0]), uintptr(len(answer)))
		if err == nil {
			return answer[entriesHead:], nil
		}
		if !errors.Is(err, unix.EAGAIN) { // it has changed since it told its size
			return nil, err
		}
	}
	return nil, err
}

func getsockopt(fd, level, option int, value unsafe.Pointer, size uintptr) error {
	length := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option), uintptr(value), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// ReadLegacy returns the rules of a table of the legacy backend as the kernel holds
// them.
func ReadLegacy(family, table string) ([]byte, error) { return layouts[family].read(table) }

// hash leaves the counters out.
func (l layout) hash(seed maphash.Seed, entries []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for len(entries) >= l.head {
		size := int(binary.NativeEndian.Uint16(entries[l.next:]))
		if size < l.head || size > len(entries) {
			break
		}
		h.Write(entries[:l.counters])
		h.Write(entries[l.counters+16 : size])
		entries = entries[size:]
	}
	return h.Sum64()
}
