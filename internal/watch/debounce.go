package watch

import "time"

// How long a first hint waits for others: until none came for Quiet, but not
// longer than patience. Passes that find nothing wait longer.
const (
	Quiet      = 20 * time.Millisecond
	patience   = 100 * time.Millisecond
	Longest    = time.Second
	mostUrgent = 200 * time.Millisecond // the longest where it is about what guards the host
	share      = 10                     // and then a pass may take one part in so many of the time
)

// A Debounce has hints come to rest. Passes that find nothing, as a busy neighbour
// causes them, wait longer and longer; one that finds something, or a minute of
// peace, ends that.
type Debounce struct {
	queue *Queue
	now   func() time.Time

	idle int // passes in a row, after hints, that found nothing
	last time.Time
	took time.Duration // the last pass
}

// NewDebounce returns one for a queue.
func NewDebounce(q *Queue, now func() time.Time) *Debounce {
	return &Debounce{queue: q, now: now}
}

// eager is how many fruitless passes in a row are as soon as any: each repair is
// followed by one, which its own events cause.
const eager = 8

// Settle waits until the hints have come to rest, or for as long as there is
// time, or until end. Urgent ones shorten that.
func (d *Debounce) Settle(end <-chan struct{}) {
	for begun := time.Now(); ; {
		calm := d.quiet(d.queue.isUrgent())
		left := max(patience, calm) - time.Since(begun)
		if left <= 0 {
			return
		}
		rest := time.NewTimer(min(calm, left))
		select {
		case <-d.queue.wake:
			rest.Stop()
			continue
		case <-end:
		case <-rest.C:
		}
		rest.Stop()
		return
	}
}

// quiet is how long no hint has to come for the others to be at rest.
func (d *Debounce) quiet(urgent bool) time.Duration {
	if d.now().Sub(d.last) > time.Minute {
		d.idle = 0
	}
	most := Longest
	if urgent {
		most = min(Longest, max(mostUrgent, share*d.took))
	}
	return min(Quiet<<max(0, d.idle-eager), most)
}

// Passed is told of each pass: how long it took, and whether it found anything.
func (d *Debounce) Passed(took time.Duration, found bool) {
	d.last, d.took = d.now(), took
	if d.idle++; found {
		d.idle = 0
	}
	d.idle = min(d.idle, eager+8) // or the shift would overflow
}
