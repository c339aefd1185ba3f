package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// A Host is a machine of the lab: Debian, systemd as its PID 1, its own files,
// network and processes. Its commands may be run from several goroutines;
// Start, Stop and Cut are for one.
type Host struct {
	lab    *Lab
	name   string
	dir    string
	groups []string

	// Guarded by the lab's wires.
	ns     *netns
	nics   []*nic
	routes []route

	mu      sync.Mutex
	machine *machine // the last run; nil before the first
	took    time.Duration
	failed  []string
}

// hostName is what goes for a host name and a file name and is short enough for
// nspawn(1).
var hostName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Host makes a host of that name and boots it. It waits until systemd says
// running or degraded (systemctl(1), is-system-running); see Degraded.
func (l *Lab) Host(ctx context.Context, name string) (*Host, error) {
	h, err := l.newHost(name)
	if err != nil {
		return nil, fmt.Errorf("making the host %q: %w", name, err)
	}
	if err := h.Start(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// newHost makes a host that is down. Whatever of it was made when an error is
// returned, Close removes.
func (l *Lab) newHost(name string) (*Host, error) {
	if !hostName.MatchString(name) {
		return nil, errors.New("a name is at most 32 lower-case letters, digits and dashes")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed
	}
	if l.hosts[name] != nil {
		return nil, errors.New("the name is taken")
	}
	h := &Host{lab: l, name: name, dir: filepath.Join(l.dir, name)}
	l.hosts[name] = h
	err := h.makeDisk()
	if err != nil {
		return nil, err
	}
	if h.groups, err = makeGroups("vpnd-lab-"+filepath.Base(l.dir)+"-"+name, h.groupsFile()); err != nil {
		return nil, err
	}
	if h.ns, err = newNetns(); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Host) groupsFile() string { return filepath.Join(h.dir, "cgroups") }

// makeDisk makes the host's directory with the layers of its overlay and what
// tells it from other hosts. With a machine ID in place systemd doesn't take
// the boot for the first one, when it would enable every unit there is.
func (h *Host) makeDisk() error {
	// The modes of upper and its etc are those of / and /etc on the host, and
	// must not depend on our umask.
	for _, name := range []string{"", "upper", "upper/etc", "work", "root"} {
		dir := filepath.Join(h.dir, name)
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
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
		file := filepath.Join(h.dir, "upper/etc", name)
		if err := errors.Join(os.WriteFile(file, []byte(text+"\n"), 0o644), os.Chmod(file, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// Name is what the host was named, and its host name inside.
func (h *Host) Name() string { return h.name }

// BootTime is how long the last Start took, until systemd was done.
func (h *Host) BootTime() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.took
}

// Degraded lists the units that failed during the last Start; normally none.
func (h *Host) Degraded() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed
}

// Console is the path on the machine of what the host printed on its console,
// all boots since it was made.
func (h *Host) Console() string { return filepath.Join(h.dir, "console") }

// LastWords are the last lines on the host's console.
func (h *Host) LastWords() string { return tailOf(h.Console()) }

// PID is the host's init process as the machine counts, or 0 when it is down.
func (h *Host) PID() int {
	m := h.running()
	if m == nil {
		return 0
	}
	return int(m.init.Load())
}

// discard ends the host for good.
func (h *Host) discard() error {
	err := h.Cut()
	if h.ns != nil {
		h.ns.close()
	}
	return errors.Join(err, removeRecorded(h.groupsFile()))
}
