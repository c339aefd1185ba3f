package lab

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// A thread is one thread of the operating system that lives until it is
// closed. The kernel sends the parent-death signal when the thread that forked
// ends, not the process (prctl(2), golang.org/issue/27505), and Go ends threads
// when it likes; so whatever must die with us is started here.
type thread struct {
	work chan func()
	quit chan struct{}
}

func newThread() *thread {
	t := &thread{work: make(chan func()), quit: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this function
		for {
			select {
			case f := <-t.work:
				f()
			case <-t.quit:
				return
			}
		}
	}()
	return t
}

// close ends the thread and with it everything that was started on it.
func (t *thread) close() { close(t.quit) }

// start starts cmd as a child of t.
func (t *thread) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	select {
	case t.work <- func() { done <- cmd.Start() }:
		return <-done
	case <-t.quit:
		return errClosed
	}
}

// cage is a shell script that runs as the first process of a PID namespace,
// in a mount namespace and a session of its own. Killing it kills all that it
// started, daemons included, and its mounts vanish.
func cage(script string, args ...string) *exec.Cmd {
	cmd := exec.Command("sh", append([]string{"-euc", "umask 022\nmount -t proc proc /proc\n" + script, "sh"}, args...)...)
	cmd.Env = machineEnviron()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:       true,
		Pdeathsig:    syscall.SIGKILL,
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // which Go makes private before anything is mounted
	}
	return cmd
}

// environ is the environment of commands inside of hosts, so that no setting of
// the caller's terminal or build changes what they do.
func environ() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "USER=root", "SHELL=/bin/sh", "LANG=C.UTF-8", "TERM=dumb",
		"DEBIAN_FRONTEND=noninteractive",
	}
}

// machineEnviron is the environment of commands on the machine, which may need
// its proxies.
func machineEnviron() []string {
	env := environ()
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
