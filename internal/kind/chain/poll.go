package chain

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// How often the legacy tables are looked at: where vpnd has its rules there, and
// where only others have, of which people are told. 10,000 rules cost a few
// milliseconds.
const (
	often  = 2 * time.Second
	seldom = 30 * time.Second
)

// poll hints when a rule of the legacy tables has changed.
func (v Verbs) poll(ctx context.Context, begin func(), kick func(resource.Hint)) error {
	seed := maphash.MakeSeed()
	ours := v.legacy(ctx)
	last, err := fingerprints(seed)
	begin()
	for err == nil {
		own := false
		timer, stop := alarm(pause(ours, len(last)))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-v.Writers.events():
			own = true
		case <-timer:
		}
		stop()
		var now map[string]uint64
		if now, err = fingerprints(seed); err == nil && !own && !maps.Equal(now, last) {
			kick(resource.Hint{})
		}
		last = now
	}
	return fmt.Errorf("reading the legacy tables: %w", err)
}

// pause is how long until the legacy tables are looked at again, 0 where vpnd
// writes elsewhere and there are none, so that nobody wakes up for nothing. Who
// makes the first one then is found out by the next look at everything.
func pause(ours bool, tables int) time.Duration {
	switch {
	case ours && tables > 0:
		return often
	case ours || tables > 0:
		return seldom
	default:
		return 0
	}
}

// alarm is a timer, one that never goes off for 0.
func alarm(d time.Duration) (<-chan time.Time, func() bool) {
	if d == 0 {
		return nil, func() bool { return true }
	}
	t := time.NewTimer(d)
	return t.C, t.Stop
}

// legacy says whether vpnd writes to the legacy backend.
func (v Verbs) legacy(ctx context.Context) bool {
	for family := range layouts {
		if t, err := v.find(ctx, family); err == nil && t.backend == legacy {
			return true
		}
	}
	return false
}

// fingerprints returns one for each legacy table that is there.
func fingerprints(seed maphash.Seed) (map[string]uint64, error) {
	prints := make(map[string]uint64)
	for _, family := range slices.Sorted(maps.Keys(layouts)) {
		for _, table := range legacyTables(family) {
			entries, err := layouts[family].read(table)
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
