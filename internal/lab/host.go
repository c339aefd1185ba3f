package lab

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed boot.sh
var bootScript string

const (
	bootTimeout = 60 * time.Second // a boot takes under a second when the machine is idle
	stopTimeout = 30 * time.Second // systemd itself gives up on a unit after 90
	killTimeout = 10 * time.Second // after SIGKILL, which the kernel carries out
)

// A Host is a machine of the lab: Debian, systemd as its PID 1, its own files,
// network and processes. Its commands may be run from several goroutines;
// Start, Stop and Cut may not.
type Host struct {
	lab    *Lab
	name   string
	dir    string
	groups []string

	ns     *netns
	nics   []nic
	routes []route

	mu      sync.Mutex
	machine *machine // nil when the host is down
	took    time.Duration
	failed  []string
}

// A machine is one run of a host, from boot to shutdown.
type machine struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended and was waited for
	err  error         // how cmd ended; to be read after done
	init int           // systemd's PID as the machine counts
}

var hostName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Host makes a host of that name and boots it. It waits until systemd says
// running or degraded (systemctl(1), is-system-running); see Degraded.
func (l *Lab) Host(ctx context.Context, name string) (*Host, error) {
	h, err := l.newHost(name)
	if err != nil {
		return nil, fmt.Errorf("making the host %s: %w", name, err)
	}
	return h, h.Start(ctx)
}

func (l *Lab) newHost(name string) (*Host, error) {
	if !hostName.MatchString(name) {
		return nil, errors.New("a name is at most 32 lower-case letters, digits and dashes")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.New("the lab is closed")
	}
	if l.hosts[name] != nil {
		return nil, errors.New("the name is taken")
	}
	h := &Host{lab: l, name: name, dir: filepath.Join(l.dir, name)}
	if err := h.makeDisk(); err != nil {
		return nil, err
	}
	var err error
	h.groups, err = makeGroups("vpnd-lab-"+filepath.Base(l.dir)+"-"+name, filepath.Join(h.dir, "cgroups"))
	if err != nil {
		return nil, err
	}
	if h.ns, err = newNetns(); err != nil {
		return nil, err
	}
	l.hosts[name] = h
	return h, nil
}

// makeDisk makes the host's folder with the layers of its overlay and what
// tells it from other hosts.
func (h *Host) makeDisk() error {
	for _, dir := range []string{"upper/etc", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(h.dir, dir), 0o755); err != nil {
			return err
		}
	}
	id := make([]byte, 16)
	rand.Read(id)
	for name, text := range map[string]string{
		"machine-id": hex.EncodeToString(id),
		"hostname":   h.name,
		"hosts":      "127.0.0.1 localhost\n127.0.1.1 " + h.name + "\n::1 localhost ip6-localhost ip6-loopback",
	} {
		if err := os.WriteFile(filepath.Join(h.dir, "upper/etc", name), []byte(text+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Name is what the host was named, and its host name inside.
func (h *Host) Name() string { return h.name }

// BootTime is how long the last Start took, until systemd was done.
func (h *Host) BootTime() time.Duration { return h.took }

// Degraded lists the units that failed during the last Start; normally none.
func (h *Host) Degraded() []string { return h.failed }

// Console is the path on the machine of what the host printed on its console,
// all boots since it was made.
func (h *Host) Console() string { return filepath.Join(h.dir, "console") }

// LastWords are the last lines that the host printed on its console.
func (h *Host) LastWords() string { return tailOf(h.Console()) }

// PID is the host's init process as the machine counts, or 0 when it is down.
func (h *Host) PID() int {
	m := h.running()
	if m == nil {
		return 0
	}
	return m.init
}

// running is the present run of the host, nil when it is down.
func (h *Host) running() *machine {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.machine == nil {
		return nil
	}
	select {
	case <-h.machine.done:
		return nil
	default:
		return h.machine
	}
}

// Start boots the host again after Stop, Cut or a shutdown from within: same
// disk and cables, new kernel state. A running host is left alone.
func (h *Host) Start(ctx context.Context) error {
	if h.running() != nil {
		return nil
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	if err := h.boot(ctx); err != nil {
		h.Cut()
		return fmt.Errorf("booting %s: %w\nlast on its console:\n%s", h.name, err, tailOf(h.Console()))
	}
	h.took = time.Since(began)
	return nil
}

func (h *Host) boot(ctx context.Context) error {
	if h.machine != nil { // not the first time
		if err := h.renew(); err != nil {
			return err
		}
	}
	m, err := h.power()
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.machine = m
	h.mu.Unlock()
	for m.init == 0 {
		if err := m.wait(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for systemd to start: %w", err)
		}
		m.init = initOf(m.cmd.Process.Pid)
	}
	for {
		state, _ := h.Run(ctx, "systemctl", "is-system-running")
		switch strings.TrimSpace(state) {
		case "running":
			h.failed = nil
			return nil
		case "degraded":
			return h.listFailed(ctx)
		}
		if err := m.wait(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for systemd, which is %q: %w", strings.TrimSpace(state), err)
		}
	}
}

// power starts the host's first process.
func (h *Host) power() (*machine, error) {
	console, err := os.OpenFile(h.Console(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer console.Close()
	m := &machine{
		cmd:  cage(bootScript, append([]string{h.name, h.lab.root, h.dir}, h.groups...)...),
		done: make(chan struct{}),
	}
	m.cmd.Stdout, m.cmd.Stderr = console, console
	m.cmd.ExtraFiles = []*os.File{h.ns.file}
	if err := h.lab.thread.start(m.cmd); err != nil {
		return nil, err
	}
	go func() {
		m.err = m.cmd.Wait()
		close(m.done)
	}()
	return m, nil
}

// wait passes d, or less when there is nothing left to wait for.
func (m *machine) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-m.done:
		return fmt.Errorf("the host has ended: %w", errors.Join(m.err, context.Cause(ctx)))
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// initOf is the child of nspawn that is PID 1 of its own namespace and has
// become systemd, or 0. Before that nspawn has a helper for a child.
func initOf(nspawn int) int {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", nspawn, nspawn))
	if err != nil {
		return 0
	}
	for _, child := range strings.Fields(string(children)) {
		status, err := os.ReadFile("/proc/" + child + "/status")
		if err != nil {
			continue
		}
		f := fields(string(status))
		inside := strings.Fields(f["NSpid"])
		if f["Name"] == "systemd" && len(inside) > 0 && inside[len(inside)-1] == "1" {
			pid, _ := strconv.Atoi(child)
			return pid
		}
	}
	return 0
}

func (h *Host) listFailed(ctx context.Context) error {
	out, err := h.Run(ctx, "systemctl", "list-units", "--failed", "--plain", "--no-legend")
	if err != nil {
		return err
	}
	h.failed = nil
	for line := range strings.Lines(out) {
		h.failed = append(h.failed, strings.Fields(line)[0])
	}
	fmt.Fprintf(h.lab.progress, "lab: %s is degraded: %s failed\n", h.name, strings.Join(h.failed, ", "))
	return nil
}

// sigPoweroff asks systemd to shut down: SIGRTMIN+4 (systemd(1)), counted from
// the C library's SIGRTMIN.
const sigPoweroff = syscall.Signal(34 + 4)

// Stop shuts the host down in order, as its power button would, and waits for
// the end. Its disk and cables stay for Start. It is no error when the host is
// down already.
func (h *Host) Stop(ctx context.Context) error {
	m := h.running()
	if m == nil {
		return h.unplug()
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := syscall.Kill(m.init, sigPoweroff); err != nil {
		return fmt.Errorf("stopping %s: %w", h.name, err)
	}
	select {
	case <-m.done:
		return h.unplug()
	case <-ctx.Done():
		return fmt.Errorf("stopping %s: %w\nlast on its console:\n%s", h.name, context.Cause(ctx), tailOf(h.Console()))
	}
}

// Cut ends the host without any warning to it, as when the power goes.
func (h *Host) Cut() error {
	if err := h.kill(); err != nil {
		return err
	}
	return h.unplug()
}

func (h *Host) kill() error {
	m := h.running()
	if m == nil {
		return nil
	}
	if err := m.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s: %w", h.name, err)
	}
	select {
	case <-m.done:
		return nil
	case <-time.After(killTimeout):
		return fmt.Errorf("killing %s: it still runs after %s", h.name, killTimeout)
	}
}

// discard ends the host for good.
func (h *Host) discard() error {
	err := h.kill()
	h.ns.close()
	return errors.Join(err, removeRecorded(filepath.Join(h.dir, "cgroups")))
}
