package attribution

import (
	"encoding/binary"
	"testing"
)

// event is one as the kernel writes it, about a name in a directory.
func written(pid int32, mask uint64, handle, name string) []byte {
	order := binary.NativeEndian
	var record []byte
	for _, word := range []uint32{1, 2, uint32(len(handle)), 129} {
		record = order.AppendUint32(record, word)
	}
	record = append(append(append(record, handle...), name...), 0)
	head := append([]byte{2, 0}, order.AppendUint16(nil, uint16(4+len(record)))...)
	b := order.AppendUint32(nil, uint32(24+4+len(record)))
	b = append(b, 3, 0, 24, 0)
	b = order.AppendUint64(b, mask)
	b = order.AppendUint32(b, ^uint32(0))
	b = order.AppendUint32(b, uint32(pid))
	return append(append(b, head...), record...)
}

func TestWhatTheKernelWritesIsRead(t *testing.T) {
	b := append(written(7, 0x40000102, "directory", "a"), written(0, 4, "other", "b")...)
	got := parseEvents(b)
	if len(got) != 2 || got[0].name != "a" || got[0].pid != 7 || got[0].mask != 0x40000102 || got[1].name != "b" || got[1].pid != 0 {
		t.Fatalf("%+v", got)
	}
	if got[0].where == got[1].where {
		t.Error("two directories are one")
	}
	for end := range b { // cut short anywhere, and with lengths that are wrong
		parseEvents(b[:end])
		for _, v := range []byte{0, 1, 0x7f, 0xff} {
			wrong := append([]byte(nil), b...)
			wrong[end] = v
			parseEvents(wrong)
		}
	}
}

func TestTheNameOfAProcessMayBeAnything(t *testing.T) {
	for stat, want := range map[string]struct {
		comm   string
		parent int
	}{
		"12 (sed) S 4711 12 12 0":    {"sed", 4711},
		"12 (a) S 1 (b) R 4711 12 0": {"a) S 1 (b", 4711},
		"12 (tmux: server) S 1 9 9":  {"tmux: server", 1},
		"":                           {},
		"12 sed S 1":                 {},
		")(":                         {},
		"12 (cut":                    {},
		"12 (cut)":                   {"cut", 0},
	} {
		if comm, parent := parseStat(stat); comm != want.comm || parent != want.parent {
			t.Errorf("%q: %q, child of %d", stat, comm, parent)
		}
	}
}
