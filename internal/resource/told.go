package resource

import "time"

// What follows are what a shape tells of itself to whoever asks, whatever its kind
// and its attributes are called.

// An Ender is the shape of something that runs out.
type Ender interface {
	// Ends returns when, the zero time where that is not known.
	Ends() End
}

// An End is when something runs out.
type End struct {
	At    time.Time
	Fresh bool      // it need not be renewed yet
	Due   time.Time // it has to be then; the zero time where that is not known
}

// A Tunneler is the shape of an interface of a tunnel.
type Tunneler interface {
	// State returns whether it is up, and whether a program serves it.
	State() (up, attached bool)
}

// A Signer is the shape of what may be a CA.
type Signer interface {
	// Signs says whether it is one, so that all that it signed is void without it.
	Signs() bool
}

// A View is a part of the status, in which the things of a kind are told of.
type View uint8

// The views.
const (
	NoView       View = iota // they are not told of by themselves
	Certificates             // when they run out, see [Ender]
	Lists                    // the same of revocation lists
	Tunnels                  // whether they are up, see [Tunneler]
	Servers                  // who is connected; the name is that of a management socket
)
