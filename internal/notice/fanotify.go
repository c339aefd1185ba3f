package notice

import (
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// A place is a folder as fanotify(7) calls it: the number of its file system
// and a handle of the file in that, as the kernel writes them one after the
// other.
type place string

// A deed is something that a process did to a name in a folder.
type deed struct {
	where place
	name  string
	mask  uint32 // as inotify has it
	pid   int    // 0 for one that our PID namespace doesn't know
}

// itself is the name where it is about the folder as it is in the one above.
const itself = "."

// openGroup returns the descriptor of a group that is told of marked folders,
// with names. It is no os.File: that would have the runtime wake up for it.
func openGroup() (int, error) {
	return unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK|unix.FAN_REPORT_DFID_NAME, unix.O_RDONLY|unix.O_CLOEXEC)
}

// deeds are the events to be told of. They have the numbers that they have for
// inotify; see linux/fanotify.h.
const deeds = names | contents

// mark has the group told of a folder, or no longer.
func mark(group int, how uint, dir string, mask uint32) error {
	return unix.FanotifyMark(group, how|unix.FAN_MARK_ONLYDIR, uint64(mask)|unix.FAN_ONDIR|unix.FAN_EVENT_ON_CHILD, unix.AT_FDCWD, dir)
}

// atHandleFID, AT_HANDLE_FID of linux/fcntl.h, asks for a handle that only
// tells files apart. Overlays and /proc have no other; kernels before 6.5 don't
// know it.
const atHandleFID = 0x200

// locate returns what fanotify calls the folder.
func locate(dir string) (place, error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, dir, unix.AT_SYMLINK_FOLLOW|atHandleFID)
	if errors.Is(err, unix.EINVAL) {
		handle, _, err = unix.NameToHandleAt(unix.AT_FDCWD, dir, unix.AT_SYMLINK_FOLLOW)
	}
	if err != nil {
		return "", err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return "", err
	}
	var b []byte
	for _, word := range []int32{fs.Fsid.Val[0], fs.Fsid.Val[1], int32(handle.Size()), handle.Type()} {
		b = binary.NativeEndian.AppendUint32(b, uint32(word))
	}
	return place(append(b, handle.Bytes()...)), nil
}

// Sizes in bytes, and where things are; linux/fanotify.h.
const (
	deedHead   = 24 // struct fanotify_event_metadata
	deedMask   = 8
	deedPID    = 20
	recordHead = 4  // struct fanotify_event_info_header
	placeHead  = 16 // number of the file system, length and type of the handle
)

// parseDeeds reads what the kernel wrote. What has no name, as the word that
// some were lost, is left out.
func parseDeeds(b []byte) []deed {
	var all []deed
	word := func(b []byte, at int) int { return int(int32(binary.NativeEndian.Uint32(b[at:]))) }
	for len(b) >= deedHead {
		size := word(b, 0)
		if size < deedHead || size > len(b) {
			break
		}
		record := b[deedHead:size]
		if len(record) > recordHead+placeHead && record[0] == unix.FAN_EVENT_INFO_TYPE_DFID_NAME {
			rest := record[recordHead:]
			if end := placeHead + word(rest, 8); end >= placeHead && end <= len(rest) {
				name, _, _ := strings.Cut(string(rest[end:]), "\x00")
				all = append(all, deed{where: place(rest[:end]), name: name, mask: uint32(binary.NativeEndian.Uint64(b[deedMask:])), pid: word(b, deedPID)})
			}
		}
		b = b[size:]
	}
	return all
}
