package lab

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Options say how a Lab is made. The zero value is good.
type Options struct {
	// Progress hears, a line each, of what takes long: packages being
	// installed, the root file system being built. Nil is silence.
	Progress io.Writer
	// Release is the Debian release of the hosts; empty is Bookworm.
	Release string
	// Packages are installed on the hosts besides what all have; their services
	// don't start at boot. PACKAGE/SUITE is that of another suite, see Layer.
	Packages []string
	// Hosts is how many are up at a time, at most. New waits until the machine has
	// room for so many beside those of the other labs of this process that say it.
	// 0 is any number, and waits for nobody.
	Hosts int
}

// A Lab is a set of hosts and the links between them. It may be used from
// several goroutines.
type Lab struct {
	root     string // the file system all hosts share as their lower layers, as overlay has them
	dir      string // what the hosts write, removed by Close
	owner    *os.File
	progress io.Writer
	thread   *thread
	most     int // hosts at a time; 0 is any number
	places   int // of what they have room for, given back by Close

	mu     sync.Mutex
	closed bool
	hosts  map[string]*Host

	wires    sync.Mutex // the hosts' namespaces and interfaces, and:
	switches map[string]*netns
}

var errClosed = errors.New("the lab is closed")

// New makes a lab without hosts, after making sure of the root file system
// (see Root) and removing what labs of dead processes left. Close it.
func New(ctx context.Context, o Options) (*Lab, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	release := cmp.Or(o.Release, Bookworm)
	root, err := Root(ctx, release, o.Progress)
	if err != nil {
		return nil, err
	}
	lower := root
	if len(o.Packages) > 0 {
		upper, err := Layer(ctx, release, root, o.Packages, o.Progress)
		if err != nil {
			return nil, err
		}
		lower = upper + ":" + root
	}
	l := &Lab{root: lower, progress: o.Progress, most: o.Hosts, hosts: map[string]*Host{}, switches: map[string]*netns{}}
	if l.places, err = taken.take(ctx, o.Hosts); err != nil {
		return nil, fmt.Errorf("waiting for room for %d hosts: %w", o.Hosts, err)
	}
	if err := l.claim(ctx, filepath.Join(filepath.Dir(root), "labs")); err != nil {
		taken.give(l.places)
		return nil, fmt.Errorf("making the lab's directory: %w", err)
	}
	l.thread = newThread()
	return l, nil
}

// claim makes the lab's directory in dir, locks it for as long as this process
// lives, and removes the directories nobody holds any more.
func (l *Lab) claim(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// A new directory is not locked yet for an instant, and must not pass for a
	// dead one.
	f, err := lock(ctx, dir+".lock", nil)
	if err != nil {
		return err
	}
	defer f.Close()
	old, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range old {
		sweep(filepath.Join(dir, e.Name()), l.progress)
	}
	id := make([]byte, 4)
	rand.Read(id)
	l.dir = filepath.Join(dir, hex.EncodeToString(id))
	if err := os.Mkdir(l.dir, 0o755); err != nil {
		return err
	}
	if l.owner, err = lock(ctx, filepath.Join(l.dir, "owner"), nil); err != nil {
		return err
	}
	_, err = fmt.Fprintln(l.owner, os.Getpid()) // for the curious; the lock is what counts
	return err
}

// sweep removes a lab's directory and control groups if its owner is dead. It can
// wait for another time, so it doesn't fail.
func sweep(dir string, progress io.Writer) {
	owner, ok := free(filepath.Join(dir, "owner"))
	if !ok {
		return
	}
	defer owner.Close()
	fmt.Fprintf(progress, "lab: removing %s, whose owner is dead\n", dir)
	groups, _ := filepath.Glob(filepath.Join(dir, "*", "cgroups"))
	var errs []error
	for _, file := range groups {
		errs = append(errs, removeRecorded(file))
	}
	errs = append(errs, os.RemoveAll(dir))
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(progress, "lab: removing %s: %v\n", dir, err)
	}
}

// say tells progress, which need not be fit for several goroutines.
func (l *Lab) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.progress, "lab: "+format+"\n", args...)
}

// Hosts are the lab's hosts by name, up or down.
func (l *Lab) Hosts() []*Host {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.hosts), func(a, b *Host) int { return strings.Compare(a.name, b.name) })
}

// up is how many of them are up.
func (l *Lab) up() int {
	n := 0
	for _, h := range l.Hosts() {
		if h.running() != nil {
			n++
		}
	}
	return n
}

// Close ends every host at once, as a power cut would, and removes all that the
// lab made. It may be called twice.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var errs []error
	for _, h := range l.hosts {
		errs = append(errs, h.discard())
	}
	for _, ns := range l.switches {
		ns.close()
	}
	l.thread.close()
	taken.give(l.places)
	errs = append(errs, os.RemoveAll(l.dir), l.owner.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing the lab: %w", err)
	}
	return nil
}
