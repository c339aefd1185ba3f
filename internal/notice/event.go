package notice

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// An event is a struct inotify_event.
type event struct {
	wd   int
	mask uint32
	name string // empty where it is about the directory itself
	size int    // of all of it, in bytes
}

func parseEvent(b []byte) event {
	word := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	size := min(unix.SizeofInotifyEvent+int(word(12)), len(b))
	name, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:size], []byte{0})
	return event{wd: int(int32(word(0))), mask: word(4), name: string(name), size: size}
}
