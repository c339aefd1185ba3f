package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

//go:embed boot.sh
var bootScript string

var (
	bootTimeout = patient(60 * time.Second) // a boot takes a third of a second when the machine is idle
	stopTimeout = patient(30 * time.Second) // systemd itself gives up on a unit after 90
	killTimeout = patient(10 * time.Second) // after SIGKILL, which the kernel carries out
)

// A machine is one run of a host, from boot to shutdown.
type machine struct {
	cmd  *exec.Cmd
	init atomic.Int64  // systemd's PID as the machine counts, 0 until it is there
	done chan struct{} // closed when all has ended
	err  error         // how it ended; to be read after done
}

// Start boots the host again after Stop, Cut or a shutdown from within: same
// disk and cables, new kernel state. A running host is left alone. The error
// of a boot that fails carries the last lines on the console.
func (h *Host) Start(ctx context.Context) error {
	if h.running() != nil {
		return nil
	}
	if up := h.lab.up(); h.lab.most > 0 && up >= h.lab.most {
		return fmt.Errorf("booting %s: %d hosts are up, and the lab has room for %d (see Options.Hosts)", h.name, up, h.lab.most)
	}
	if err := awaitWatchers(ctx, h.lab.say); err != nil {
		return fmt.Errorf("booting %s: %w", h.name, err)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	failed, err := h.boot(ctx)
	if err != nil {
		err = fmt.Errorf("booting %s: %w\nlast on its console:\n%s", h.name, err, h.LastWords())
		return errors.Join(err, h.Cut())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took, h.failed = time.Since(began), failed
	return nil
}

// boot returns the units that failed.
func (h *Host) boot(ctx context.Context) ([]string, error) {
	m, err := h.power()
	if err != nil {
		return nil, err
	}
	for m.init.Load() == 0 {
		if err := m.wait(ctx, 5*time.Millisecond); err != nil {
			return nil, fmt.Errorf("waiting for systemd to start: %w", err)
		}
		m.init.Store(int64(initOf(m.cmd.Process.Pid)))
	}
	for state := "nothing"; ; {
		// Fails unless running, also before systemd listens.
		if out, _ := h.Run(ctx, "systemctl", "is-system-running"); out != "" {
			state = strings.TrimSpace(out)
		}
		switch state {
		case "running":
			return nil, nil
		case "degraded":
			return h.listFailed(ctx)
		}
		// Asking takes a processor that is emulated longer than this.
		if err := m.wait(ctx, patient(20*time.Millisecond)); err != nil {
			return nil, fmt.Errorf("waiting for systemd, which said %q: %w", state, err)
		}
	}
}

// power starts the host's first process, on a new network namespace unless the
// host has never run.
func (h *Host) power() (*machine, error) {
	console, err := os.OpenFile(h.Console(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer console.Close()
	h.lab.wires.Lock()
	defer h.lab.wires.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.machine != nil {
		if err := h.renew(); err != nil {
			return nil, err
		}
	}
	m := &machine{
		cmd:  cage(bootScript, append([]string{h.name, h.lab.root, h.dir}, h.groups...)...),
		done: make(chan struct{}),
	}
	m.cmd.Stdout, m.cmd.Stderr = console, console
	m.cmd.ExtraFiles = []*os.File{h.ns.file}
	if err := h.lab.thread.start(m.cmd); err != nil {
		return nil, err
	}
	h.machine = m
	go func() {
		m.err = errors.Join(m.cmd.Wait(), h.unplug())
		close(m.done)
	}()
	return m, nil
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

// wait passes d. It fails when the host or ctx has ended before.
func (m *machine) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-m.done:
		if m.err == nil {
			return errors.New("the host has shut down")
		}
		return fmt.Errorf("the host has ended: %w", m.err)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// initOf is the child of nspawn that is PID 1 of its own namespace and has
// become systemd, or 0. Before that nspawn has a helper for a child.
func initOf(nspawn int) int {
	for _, pid := range children(nspawn) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		f := fields(string(status))
		if f["Name"] == "systemd" && strings.HasSuffix(f["NSpid"], "\t1") {
			return pid
		}
	}
	return 0
}

func (h *Host) listFailed(ctx context.Context) ([]string, error) {
	out, err := h.Run(ctx, "systemctl", "list-units", "--failed", "--plain", "--no-legend")
	if err != nil {
		return nil, err
	}
	var units []string
	for line := range strings.Lines(out) {
		unit, _, _ := strings.Cut(line, " ")
		units = append(units, unit)
	}
	h.lab.say("%s is degraded: %s failed", h.name, strings.Join(units, ", "))
	return units, nil
}

// sigPoweroff asks systemd to shut down: SIGRTMIN+4 (systemd(1)), counted from
// the C library's SIGRTMIN.
const sigPoweroff = syscall.Signal(34 + 4)

// Stop shuts the host down in order, as its power button would, and waits for
// the end. Its disk and cables stay for Start. It is no error when the host is
// down already.
func (h *Host) Stop(ctx context.Context) error {
	pid := h.PID()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, sigPoweroff); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping %s: %w", h.name, err)
	}
	return h.Wait(ctx)
}

// Wait waits until the host is down, which it was told to be from within or by
// Stop. A reboot ends a host as a shutdown does; Start it again.
func (h *Host) Wait(ctx context.Context) error {
	m := h.running()
	if m == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s to go down: %w\nlast on its console:\n%s", h.name, context.Cause(ctx), h.LastWords())
	}
}

// Cut ends the host without any warning to it. Unlike with a real power cut,
// what its programs wrote and didn't sync is still there afterwards.
func (h *Host) Cut() error {
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
