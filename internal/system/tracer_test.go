package system

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vpnd/internal/lab/office"
)

// patience is how long vpnd and what it starts may take below a tracer before
// all of it is killed.
const patience = 2 * time.Minute

// A tracer stands by while vpnd runs, counts the boundaries that it crosses,
// and kills it right before one of them. Its methods belong to one thread.
type tracer struct {
	at   int  // which boundary, from 1; none with 0
	wait bool // for vpnd's children, who outlive it; otherwise they die with it

	resume func(tid, signal int) error // up to the next call of interest, or to the next of all

	vpnd   int             // the process; 0 until it has begun
	seen   map[int]bool    // threads
	begun  map[int]bool    // threads that have stopped once
	mu     sync.Mutex      // guards alive and over
	alive  map[int]bool    // threads
	over   bool            // all are to die, also those who are only being born
	passed []string        // the boundaries crossed, and the one before which it died
	wide   map[string]bool // keys that others could have read
	killed bool
	status unix.WaitStatus // how vpnd ended
}

// newTracer kills vpnd before boundary at: with its children where at is even,
// otherwise alone, so that what it had begun goes on without it.
func newTracer(at int) *tracer {
	return &tracer{at: at, wait: at%2 == 1, resume: unix.PtraceSyscall, seen: make(map[int]bool), begun: make(map[int]bool), alive: make(map[int]bool), wide: make(map[string]bool)}
}

// trace runs vpnd on the gateway to its end or to boundary at, and returns what
// it wrote.
func (s scene) trace(at int, args ...string) (*tracer, string) {
	s.t.Helper()
	t := newTracer(at)
	out, err := os.Create(filepath.Join(s.t.TempDir(), "out"))
	s.ok(err)
	defer out.Close()
	cmd := s.Gateway.Command(s.t.Context(), office.Argv(args...)...)
	s.ok(cmd.Err)
	t.resume = unix.PtraceCont
	s.ok(t.run(func() error {
		pid, err := syscall.ForkExec("/proc/self/exe", append([]string{"trap", cmd.Path}, cmd.Args[1:]...), &syscall.ProcAttr{
			Env: append(cmd.Env, trapped+"=1"), Files: []uintptr{0, out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true},
		})
		if err != nil {
			return err
		}
		return t.adopt(pid)
	}))
	said, err := os.ReadFile(out.Name())
	s.ok(err)
	return t, string(said)
}

// seize follows a process that runs, does something meanwhile, and follows it
// until it has died.
func (s scene) seize(at, pid int, do func() error) *tracer {
	s.t.Helper()
	t := newTracer(at)
	done := make(chan error, 1)
	s.ok(t.run(func() error {
		err := t.attach(pid)
		go func() { done <- do() }()
		return err
	}))
	s.ok(<-done)
	return t
}

// run does all of the tracer's work on one thread, as ptrace(2) wants it.
func (t *tracer) run(begin func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: what is left of the traced dies with the thread
		defer time.AfterFunc(patience, t.killAll).Stop()
		err := begin()
		if err == nil {
			err = t.follow()
		}
		done <- err
	}()
	return <-done
}

const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_EXITKILL

// adopt takes a child that was started to be traced and waits at its execve.
func (t *tracer) adopt(pid int) error {
	t.knows(pid)
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
		return err
	}
	if err := unix.PtraceSetOptions(pid, options); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	return t.resume(pid, 0)
}

// attach takes all threads of a process that runs, until a look shows no new
// one: those that they start meanwhile come with them.
func (t *tracer) attach(pid int) error {
	t.vpnd = pid
	for {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return err
		}
		before := len(t.seen)
		for _, task := range tasks {
			var tid int
			if _, err := fmt.Sscan(task.Name(), &tid); err != nil {
				return err
			}
			if t.seen[tid] {
				continue
			}
			t.knows(tid)
			if err := seize(tid); err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EPERM) {
				return fmt.Errorf("seizing thread %d: %w", tid, err)
			}
		}
		if len(t.seen) == before {
			return nil
		}
	}
}

// seize attaches to a thread and stops it. EPERM is a thread that came with the
// one that started it.
func seize(tid int) error {
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(tid), 0, options, 0, 0); errno != 0 {
		return errno
	}
	return unix.PtraceInterrupt(tid)
}

// follow lets everything go from stop to stop until nothing is left.
func (t *tracer) follow() error {
	for {
		tid, status, err := t.next()
		switch {
		case err == unix.ECHILD:
			return nil
		case err != nil:
			return fmt.Errorf("waiting for what is traced: %w", err)
		case !status.Stopped():
			t.gone(tid, status)
			continue
		}
		known := t.begun[tid]
		t.begun[tid] = true
		t.knows(tid)
		if t.ended() {
			_ = unix.Kill(tid, unix.SIGKILL)
		}
		signal := t.stopped(tid, status, known)
		// Whoever was killed meanwhile is gone already.
		if err := t.resume(tid, signal); err != nil && err != unix.ESRCH {
			return fmt.Errorf("going on: %w", err)
		}
	}
}

// next waits for the next stop, or end, of what is traced. Tests beside this one
// have children too, and the thread may have started some before it was ours: those
// are for others to wait for.
func (t *tracer) next() (tid int, status unix.WaitStatus, err error) {
	for {
		var info waited
		err := unix.Waitid(unix.P_ALL, 0, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT|unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, 0, err
		}
		all := []int{int(info.pid)}
		foreign := !t.traces(int(info.pid))
		if foreign {
			all = t.living()
		}
		for _, tid := range all {
			n, err := unix.Wait4(tid, &status, unix.WALL|unix.WNOHANG, nil)
			if n > 0 {
				return n, status, nil
			}
			if err == unix.ECHILD { // it went when its program became another one
				t.gone(tid, 0)
			}
		}
		if len(t.living()) == 0 {
			return 0, 0, unix.ECHILD
		}
		if foreign { // it is there until its parent has asked for it
			time.Sleep(time.Millisecond)
		}
	}
}

// waited is what waitid(2) tells of a child, as far as it counts here.
type waited struct {
	_   [4]int32
	pid int32
	_   [108]byte
}

// traces says whether a child is traced, and not started by a test beside.
func (t *tracer) traces(pid int) bool {
	if slices.Contains(t.living(), pid) {
		return true
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return !strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid()))
}

func (t *tracer) living() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.alive))
}

// stopped does what there is to do at a stop, and returns the signal that the
// thread is to get.
func (t *tracer) stopped(tid int, status unix.WaitStatus, known bool) int {
	signal, event := status.StopSignal(), int(status>>16)
	switch {
	case signal == unix.SIGTRAP|0x80, event == unix.PTRACE_EVENT_SECCOMP:
		t.call(tid)
	case event == unix.PTRACE_EVENT_EXEC:
		if t.vpnd == 0 && filepath.Base(link(tid, "exe")) == "vpnd" {
			t.vpnd = tid
		}
	case event == unix.PTRACE_EVENT_CLONE, event == unix.PTRACE_EVENT_FORK, event == unix.PTRACE_EVENT_VFORK:
		if child, err := unix.PtraceGetEventMsg(tid); err == nil && !t.seen[int(child)] { // or it was quicker
			t.knows(int(child))
		}
	case event != 0:
	case signal == unix.SIGSTOP && !known: // how a new thread begins
	default:
		return int(signal)
	}
	return 0
}

// syscallInfo is ptrace_syscall_info of ptrace(2), before a call.
type syscallInfo struct {
	op     uint8
	_      [3]uint8
	arch   uint32
	ip, sp uint64
	nr     uint64
	args   [6]uint64
	_      uint64
}

// call looks at what a thread is about to do.
func (t *tracer) call(tid int) {
	var info syscallInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op == unix.PTRACE_SYSCALL_INFO_EXIT || t.killed {
		return
	}
	s := stop{tid: tid, nr: info.nr, args: info.args}
	what := s.boundary()
	if what == "" {
		return
	}
	if wide := s.wide(); wide != "" {
		t.wide[wide] = true
	}
	t.passed = append(t.passed, what)
	if len(t.passed) == t.at {
		t.kill()
	}
}

// kill kills vpnd before the call it is about to make.
func (t *tracer) kill() {
	t.killed = true
	_ = unix.Kill(t.vpnd, unix.SIGKILL)
	if !t.wait {
		t.killAll()
	}
}

func (t *tracer) killAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	for tid := range t.alive {
		_ = unix.Kill(tid, unix.SIGKILL)
	}
}

func (t *tracer) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// knows takes a thread up.
func (t *tracer) knows(tid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[tid], t.alive[tid] = true, true
}

func (t *tracer) gone(tid int, status unix.WaitStatus) {
	if tid == t.vpnd {
		t.status = status
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.alive, tid)
}
