package notice

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// An Ear is an instance of inotify(7) that many listeners share: a user has few of
// them (fs.inotify.max_user_instances). It is open for as long as any of them
// listens. Its zero value is ready.
type Ear struct {
	mu      sync.Mutex
	in      *os.File // nil while nobody listens
	fd      int
	ended   chan struct{} // closed once nothing is read any more
	queues  map[*queue]bool
	watches map[int]map[*queue]int // who watches, by watch descriptor, and for how many folders
}

// A queue is what one listener has yet to hear.
type queue struct {
	ear    *Ear
	wake   chan struct{} // has one where there is something
	events []event       // guarded by the ear, as is the rest
	lost   bool
	err    error
}

// mostQueued is how many events are kept for a listener that does not come to
// hear them. Behind that they are lost, and it has to look everywhere.
const mostQueued = 16384

// join begins to listen.
func (e *Ear) join() (*queue, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.in == nil {
		if err := e.open(); err != nil {
			return nil, err
		}
	}
	q := &queue{ear: e, wake: make(chan struct{}, 1)}
	e.queues[q] = true
	return q, nil
}

func (e *Ear) open() error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if errors.Is(err, unix.EMFILE) {
		return fmt.Errorf("watching files: %w; raise fs.inotify.max_user_instances, or LimitNOFILE= of the unit", err)
	}
	if err != nil {
		return fmt.Errorf("watching files: %w", err)
	}
	e.fd, e.in, e.ended = fd, os.NewFile(uintptr(fd), "inotify"), make(chan struct{})
	e.queues, e.watches = make(map[*queue]bool), make(map[int]map[*queue]int)
	go e.listen(e.in, e.ended)
	return nil
}

// listen hands out what happens until the instance is closed.
func (e *Ear) listen(in *os.File, ended chan struct{}) {
	defer close(ended)
	buf := make([]byte, 64<<10)
	for {
		size, err := in.Read(buf)
		if err != nil {
			e.fail(in, err)
			return
		}
		e.hear(buf[:size])
	}
}

// fail ends all listeners of an instance that can't be read.
func (e *Ear) fail(in *os.File, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.in != in {
		return // nobody listens any more
	}
	for q := range e.queues {
		q.err = err
		q.stir()
	}
}

func (e *Ear) hear(data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(data) >= unix.SizeofInotifyEvent {
		ev := parseEvent(data)
		data = data[ev.size:]
		if ev.mask&unix.IN_Q_OVERFLOW != 0 {
			for q := range e.queues {
				q.lost = true
				q.stir()
			}
			continue
		}
		for q := range e.watches[ev.wd] {
			q.put(ev)
		}
		if ev.mask&unix.IN_IGNORED != 0 {
			delete(e.watches, ev.wd)
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
	q.ear.mu.Lock()
	defer q.ear.mu.Unlock()
	events, lost = q.events, q.lost
	q.events, q.lost = nil, false
	return events, lost, q.err
}

// watch watches a folder, and returns its watch descriptor.
func (q *queue) watch(dir string, mask uint32) (int, error) {
	e := q.ear
	e.mu.Lock()
	defer e.mu.Unlock()
	wd, err := unix.InotifyAddWatch(e.fd, dir, mask)
	if err != nil {
		return 0, err
	}
	if e.watches[wd] == nil {
		e.watches[wd] = make(map[*queue]int)
	}
	e.watches[wd][q]++
	return wd, nil
}

// unwatch takes one watch of a folder back.
func (q *queue) unwatch(wd int) {
	e := q.ear
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unwatch(q, wd, 1)
}

func (e *Ear) unwatch(q *queue, wd, times int) {
	who := e.watches[wd]
	if who == nil {
		return // the folder is gone, and the watch with it
	}
	if who[q] -= times; who[q] <= 0 {
		delete(who, q)
	}
	if len(who) == 0 {
		delete(e.watches, wd)
		_, _ = unix.InotifyRmWatch(e.fd, uint32(wd)) // the folder may just be gone
	}
}

// leave ends listening. The instance goes with the last listener.
func (q *queue) leave() {
	e := q.ear
	e.mu.Lock()
	for wd, who := range e.watches {
		if who[q] > 0 {
			e.unwatch(q, wd, who[q])
		}
	}
	delete(e.queues, q)
	if len(e.queues) > 0 {
		e.mu.Unlock()
		return
	}
	in, ended := e.in, e.ended
	e.in, e.queues, e.watches = nil, nil, nil
	e.mu.Unlock()
	_ = in.Close()
	<-ended
}
