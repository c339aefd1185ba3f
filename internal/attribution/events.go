package attribution

import (
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// A handle is a directory as fanotify(7) calls it: the number of its file system
// and a handle of the file in that, as the kernel writes them one after the
// other.
type handle string

// An event is something that a process did to a name in a directory.
type event struct {
	where handle
	name  string
	mask  uint32 // as inotify has it
	pid   int    // 0 for one that our PID namespace doesn't know
}

// itself is the name where it is about the directory as it is in the one above.
const itself = "."

// openGroup returns the descriptor of a group that is told of marked directories,
// with names. It is no os.File: that would have the runtime wake up for it.
func openGroup() (int, error) {
	return unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK|unix.FAN_REPORT_DFID_NAME, unix.O_RDONLY|unix.O_CLOEXEC)
}

// told are the events to be told of: which names a directory has, and what is in
// them. They have the numbers that they have for inotify; see linux/fanotify.h.
const told = unix.FAN_CREATE | unix.FAN_DELETE | unix.FAN_MOVED_FROM | unix.FAN_MOVED_TO | unix.FAN_MODIFY | unix.FAN_ATTRIB

// mark has the group told of a directory, or no longer.
func mark(group int, how uint, dir string, mask uint32) error {
	return unix.FanotifyMark(group, how|unix.FAN_MARK_ONLYDIR, uint64(mask)|unix.FAN_ONDIR|unix.FAN_EVENT_ON_CHILD, unix.AT_FDCWD, dir)
}

// atHandleFID, AT_HANDLE_FID of linux/fcntl.h, asks for a handle that only
// tells files apart. Overlays and /proc have no other; kernels before 6.5 don't
// know it.
const atHandleFID = 0x200

// locate returns what fanotify calls the directory.
func locate(dir string) (handle, error) {
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, dir, unix.AT_SYMLINK_FOLLOW|atHandleFID)
	if errors.Is(err, unix.EINVAL) {
		h, _, err = unix.NameToHandleAt(unix.AT_FDCWD, dir, unix.AT_SYMLINK_FOLLOW)
	}
	if err != nil {
		return "", err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return "", err
	}
	var b []byte
	for _, word := range []int32{fs.Fsid.Val[0], fs.Fsid.Val[1], int32(h.Size()), h.Type()} {
		b = binary.NativeEndian.AppendUint32(b, uint32(word))
	}
	return handle(append(b, h.Bytes()...)), nil
}

// Sizes in bytes, and where things are; linux/fanotify.h.
const (
	eventHead  = 24 // struct fanotify_event_metadata
	eventMask  = 8
	eventPID   = 20
	recordHead = 4  // struct fanotify_event_info_header
	handleHead = 16 // number of the file system, length and type of the handle
)

// parseEvents reads what the kernel wrote. What has no name, as the word that
// some were lost, is left out.
func parseEvents(b []byte) []event {
	var all []event
	word := func(b []byte, at int) int { return int(int32(binary.NativeEndian.Uint32(b[at:]))) }
	for len(b) >= eventHead {
		size := word(b, 0)
		if size < eventHead || size > len(b) {
			break
		}
		record := b[eventHead:size]
		if len(record) > recordHead+handleHead && record[0] == unix.FAN_EVENT_INFO_TYPE_DFID_NAME {
			rest := record[recordHead:]
			if end := handleHead + word(rest, 8); end >= handleHead && end <= len(rest) {
				name, _, _ := strings.Cut(string(rest[end:]), "\x00")
				all = append(all, event{where: handle(rest[:end]), name: name, mask: uint32(binary.NativeEndian.Uint64(b[eventMask:])), pid: word(b, eventPID)})
			}
		}
		b = b[size:]
	}
	return all
}
