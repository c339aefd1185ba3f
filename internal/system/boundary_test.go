package system

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// A boundary is a call by which vpnd makes something durable or changes the
// host: between two of them nothing is different for who comes after.

// crossings are the calls that are boundaries whatever they are told. A static
// Go program makes no other ones of their families.
var crossings = map[uint64]string{
	unix.SYS_RENAMEAT: "rename", unix.SYS_RENAMEAT2: "rename", unix.SYS_LINKAT: "link", unix.SYS_UNLINKAT: "unlink",
	unix.SYS_SYMLINKAT: "symlink", unix.SYS_MKDIRAT: "mkdir", unix.SYS_FCHMODAT: "chmod", unix.SYS_FCHOWNAT: "chown",
	unix.SYS_UTIMENSAT: "utime", unix.SYS_EXECVE: "exec",
	unix.SYS_FCHMOD: "chmod", unix.SYS_FCHOWN: "chown", unix.SYS_FTRUNCATE: "truncate",
	unix.SYS_FSYNC: "sync", unix.SYS_FDATASYNC: "sync", unix.SYS_SYNCFS: "sync",
}

// reaches are the calls that are boundaries by what their descriptor is.
var reaches = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "write", unix.SYS_WRITEV: "write", unix.SYS_IOCTL: "ioctl",
	unix.SYS_SENDTO: "send", unix.SYS_SENDMSG: "send",
}

// A stop is a thread before a call.
type stop struct {
	tid  int
	nr   uint64
	args [6]uint64
}

// boundary says what the call would do, and nothing where it is no boundary.
func (s stop) boundary() string {
	switch {
	case !s.mayCross():
		return ""
	case !strings.HasSuffix(link(s.tid, "exe"), "/vpnd"):
		return "" // of a child that has become another program
	case s.nr == unix.SYS_OPENAT:
		return fmt.Sprintf("create %s %#o", s.name(0, 1), s.args[3])
	case s.nr == unix.SYS_EXECVE:
		return "exec " + s.text(s.args[0])
	case s.named():
		return crossings[s.nr] + " " + s.name(0, 1)
	case crossings[s.nr] != "":
		return crossings[s.nr] + " " + s.file()
	}
	file := s.file()
	switch {
	case s.nr == unix.SYS_IOCTL && file == "/dev/net/tun",
		strings.HasPrefix(file, "/") && s.nr != unix.SYS_IOCTL && s.args[0] > 2,
		strings.HasPrefix(file, "socket:") && s.nr != unix.SYS_IOCTL && !s.asks():
		return reaches[s.nr] + " " + file
	}
	return ""
}

// mayCross is the cheap part of the question: most calls are none.
func (s stop) mayCross() bool {
	return crossings[s.nr] != "" || reaches[s.nr] != "" || s.nr == unix.SYS_OPENAT && s.args[2]&unix.O_CREAT != 0
}

// named says whether the call names a file in a directory, and not a descriptor.
func (s stop) named() bool {
	switch s.nr {
	case unix.SYS_FCHMOD, unix.SYS_FCHOWN, unix.SYS_FTRUNCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNCFS:
		return false
	}
	return crossings[s.nr] != "" && s.nr != unix.SYS_SYMLINKAT
}

// asks says whether a message on a socket is a question to rtnetlink(7), where
// types come by fours: new, del, get, set.
func (s stop) asks() bool {
	head := s.memory(s.args[1], 16)
	if s.nr != unix.SYS_SENDTO || len(head) < 16 {
		return false
	}
	kind := int(head[4]) | int(head[5])<<8
	return kind >= unix.RTM_BASE && kind%4 == 2
}

// wide tells of a key that the call would let others read: by a mode, or by
// writing it to a file that they may open.
func (s stop) wide() string {
	switch s.nr {
	case unix.SYS_FCHMOD:
		if s.args[1]&0o077 != 0 && holdsKey(contentOf(s.proc("fd", s.args[0]))) {
			return fmt.Sprintf("chmod %#o %s", s.args[1], s.file())
		}
	case unix.SYS_FCHMODAT:
		if name := s.name(0, 1); s.args[2]&0o077 != 0 && holdsKey(contentOf(fmt.Sprintf("/proc/%d/root%s", s.tid, name))) {
			return fmt.Sprintf("chmod %#o %s", s.args[2], name)
		}
	case unix.SYS_WRITE, unix.SYS_PWRITE64:
		info, err := os.Stat(s.proc("fd", s.args[0]))
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && holdsKey(s.memory(s.args[1], int(min(s.args[2], 1<<20)))) {
			return fmt.Sprintf("write to %s, which is %s", s.file(), info.Mode())
		}
	}
	return ""
}

func holdsKey(data []byte) bool {
	for _, word := range []string{"PRIVATE KEY", "OpenVPN Static key", "OpenVPN tls-crypt"} {
		if bytes.Contains(data, []byte(word)) {
			return true
		}
	}
	return false
}

// contentOf is what a regular file holds, and nothing where that can't be read.
func contentOf(name string) []byte {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data, _ := os.ReadFile(name)
	return data
}

// proc is a file of the thread below /proc.
func (s stop) proc(of string, fd uint64) string {
	return fmt.Sprintf("/proc/%d/%s/%d", s.tid, of, int32(fd))
}

// file is what the first argument is a descriptor of.
func (s stop) file() string { return link(s.tid, fmt.Sprintf("fd/%d", int32(s.args[0]))) }

// name is the path that two arguments name: a directory's descriptor and a name.
func (s stop) name(directory, name int) string {
	text := s.text(s.args[name])
	if path.IsAbs(text) {
		return text
	}
	if int32(s.args[directory]) == unix.AT_FDCWD {
		return path.Join(link(s.tid, "cwd"), text)
	}
	return path.Join(link(s.tid, fmt.Sprintf("fd/%d", int32(s.args[directory]))), text)
}

func link(tid int, name string) string {
	target, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", tid, name))
	return target
}

// text is a string of the thread's memory.
func (s stop) text(at uint64) string {
	page := 4096 - int(at%4096) // the next page may not be there
	text, _, whole := bytes.Cut(s.memory(at, page), []byte{0})
	if !whole {
		more, _, _ := bytes.Cut(s.memory(at+uint64(page), 4096), []byte{0})
		text = append(text, more...)
	}
	return string(text)
}

// memory is a part of the thread's memory, as much of it as can be read.
func (s stop) memory(at uint64, size int) []byte {
	if size <= 0 {
		return nil
	}
	data := make([]byte, size)
	local := []unix.Iovec{{Base: &data[0]}}
	local[0].SetLen(size)
	n, _ := unix.ProcessVMReadv(s.tid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: size}}, 0)
	return data[:max(n, 0)]
}
