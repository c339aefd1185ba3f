package system

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// trapped, in the environment, has this program become another one that stops
// for its tracer at the calls which may be boundaries, and at no other: twenty
// thousand stops would double the time of an apply.
const trapped = "VPND_TEST_TRAPPED"

// trap becomes the program, and returns only where that fails.
func trap(argv []string) error {
	runtime.LockOSThread() // the filter is of this thread, and the program inherits it
	filter := interesting()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return err
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, trapped+"=") })
	return syscall.Exec(argv[0], argv, env)
}

// interesting is a filter of seccomp(2) that traps the calls which mayCross
// lets through.
func interesting() []unix.SockFilter {
	const number, flagsOfOpen = 0, 16 + 2*8 // in struct seccomp_data
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	jump := func(how uint16, value uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | how, K: value, Jt: yes, Jf: no}
	}
	answer := func(value uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
	}
	filter := []unix.SockFilter{load(number)}
	for _, calls := range []map[uint64]string{crossings, reaches} {
		for call := range calls {
			filter = append(filter, jump(unix.BPF_JEQ, uint32(call), 0, 1), answer(unix.SECCOMP_RET_TRACE))
		}
	}
	return append(filter,
		jump(unix.BPF_JEQ, unix.SYS_OPENAT, 0, 3), load(flagsOfOpen), jump(unix.BPF_JSET, unix.O_CREAT, 0, 1),
		answer(unix.SECCOMP_RET_TRACE), answer(unix.SECCOMP_RET_ALLOW))
}
