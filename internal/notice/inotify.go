// Package notice hears of changes on a host as they happen: of files by inotify(7),
// of links, routes and rules by the kernel's groups of netlink(7), and of the clock
// being set. It says that something happened and where, and by whom where package
// attribution knows; what is there now, whoever is told must look up.
package notice

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// An Inotify is an instance of inotify(7) that many listeners share: a user has few
// of them (fs.inotify.max_user_instances). It is open for as long as any of them
// listens. Its zero value is ready.
type Inotify struct {
	mu      sync.Mutex
	in      *os.File // nil while nobody listens
	fd      int
	ended   chan struct{} // closed once nothing is read any more
	queues  map[*queue]bool
	watches map[int]map[*queue]int // who watches, by watch descriptor, and for how many directories
}

// A queue is what one listener has yet to hear.
type queue struct {
	in     *Inotify
	wake   chan struct{} // has one where there is something
	events []event       // guarded by the instance, as is the rest
	lost   bool
	err    error
}

// mostQueued is how many events are kept for a listener that does not come to
// hear them. Behind that they are lost, and it has to look everywhere.
const mostQueued = 16384

// join begins to listen.
func (i *Inotify) join() (*queue, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.in == nil {
		if err := i.open(); err != nil {
			return nil, err
		}
	}
	q := &queue{in: i, wake: make(chan struct{}, 1)}
	i.queues[q] = true
	return q, nil
}

func (i *Inotify) open() error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if errors.Is(err, unix.EMFILE) {
		return fmt.Errorf("watching files: %w; raise fs.inotify.max_user_instances, or LimitNOFILE= of the unit", err)
	}
	if err != nil {
		return fmt.Errorf("watching files: %w", err)
	}
	i.fd, i.in, i.ended = fd, os.NewFile(uintptr(fd), "inotify"), make(chan struct{})
	i.queues, i.watches = make(map[*queue]bool), make(map[int]map[*queue]int)
	go i.listen(i.in, i.ended)
	return nil
}

// listen hands out what happens until the instance is closed.
func (i *Inotify) listen(in *os.File, ended chan struct{}) {
	defer close(ended)
	buf := make([]byte, 64<<10)
	for {
		size, err := in.Read(buf)
		if err != nil {
			i.fail(in, err)
			return
		}
		i.hear(buf[:size])
	}
}

// fail ends all listeners of an instance that can't be read.
func (i *Inotify) fail(in *os.File, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.in != in {
		return // nobody listens any more
	}
	for q := range i.queues {
		q.err = err
		q.stir()
	}
}

func (i *Inotify) hear(data []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(data) >= unix.SizeofInotifyEvent {
		ev := parseEvent(data)
		data = data[ev.size:]
		if ev.mask&unix.IN_Q_OVERFLOW != 0 {
			for q := range i.queues {
				q.lost = true
				q.stir()
			}
			continue
		}
		for q := range i.watches[ev.wd] {
			q.put(ev)
		}
		if ev.mask&unix.IN_IGNORED != 0 {
			delete(i.watches, ev.wd)
		}
	}
}

func (q *queue) put(ev event) {
	if len(q.events) < mostQueued {
		q.events = append(q.events, ev)
	} else {
		q.lost = true
	}
	q.stir()
}

func (q *queue) stir() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns what there is to hear, whether events were lost, and why there will
// be no more.
func (q *queue) take() (events []event, lost bool, err error) {
	q.in.mu.Lock()
	defer q.in.mu.Unlock()
	events, lost = q.events, q.lost
	q.events, q.lost = nil, false
	return events, lost, q.err
}

// watch watches a directory, and returns its watch descriptor.
func (q *queue) watch(dir string, mask uint32) (int, error) {
	i := q.in
	i.mu.Lock()
	defer i.mu.Unlock()
	wd, err := unix.InotifyAddWatch(i.fd, dir, mask)
	if err != nil {
		return 0, err
	}
	if i.watches[wd] == nil {
		i.watches[wd] = make(map[*queue]int)
	}
	i.watches[wd][q]++
	return wd, nil
}

// unwatch takes one watch of a directory back.
func (q *queue) unwatch(wd int) {
	i := q.in
	i.mu.Lock()
	defer i.mu.Unlock()
	i.unwatch(q, wd, 1)
}

func (i *Inotify) unwatch(q *queue, wd, times int) {
	who := i.watches[wd]
	if who == nil {
		return // the directory is gone, and the watch with it
	}
	if who[q] -= times; who[q] <= 0 {
		delete(who, q)
	}
	if len(who) == 0 {
		delete(i.watches, wd)
		_, _ = unix.InotifyRmWatch(i.fd, uint32(wd)) // the directory may just be gone
	}
}

// leave ends listening. The instance goes with the last listener.
func (q *queue) leave() {
	i := q.in
	i.mu.Lock()
	for wd, who := range i.watches {
		if who[q] > 0 {
			i.unwatch(q, wd, who[q])
		}
	}
	delete(i.queues, q)
	if len(i.queues) > 0 {
		i.mu.Unlock()
		return
	}
	in, ended := i.in, i.ended
	i.in, i.queues, i.watches = nil, nil, nil
	i.mu.Unlock()
	_ = in.Close()
	<-ended
}
