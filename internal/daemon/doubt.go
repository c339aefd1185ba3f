package daemon

import (
	"time"

	"vpnd/internal/state"
)

// doubtful is how long what moves while another vpnd is at work passes for that
// one's doing. An apply or a destroy is seen in the middle of its work by a look
// that began before it, and a webhook in the night for that is a false alarm.
// One that takes longer hides nothing.
const doubtful = 30 * time.Second

// doubt finds out whether what was seen may be another vpnd's doing: that one
// holds the lock, or has put something else in force since the look began. What
// is not known to be wrong yet is no news then; if it stays, the next looks
// tell.
func (l *look) doubt() {
	another := !l.write && (l.waiting || state.Locked(l.StateDir) || l.active.Unsaved == nil && l.store.WishVersion() != l.active.Version)
	switch {
	case !another:
		l.agent.besides = time.Time{}
	case l.agent.besides.IsZero():
		l.agent.besides = l.begun
	}
	l.waiting = l.waiting || another
	l.doubted = another && l.Now().Sub(l.agent.besides) < doubtful
}
