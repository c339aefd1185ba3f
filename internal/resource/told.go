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

// A Tunneler is the shape of a tunnel, or of what holds several, as the interface of
// WireGuard does with its peers.
type Tunneler interface {
	// Tunnels returns how each stands, as it was observed.
	Tunnels() []TunnelState
}

// A TunnelState is how a tunnel stands. What is not known, or has no meaning for
// it, is left out.
type TunnelState struct {
	Name     string `json:"name,omitempty"` // of one of several, as of a peer or a child SA
	Up       bool   `json:"up"`             // it can carry packets, or is on
	Attached bool   `json:"attached"`       // a program serves it
	Why      string `json:"why,omitempty"`  // the reason why it is down, which a person can act on

	// OnDemand says that it comes up when traffic or the other side wants it, as a
	// laptop does that dials in: that it is down is nothing wrong.
	OnDemand bool `json:"on_demand,omitempty"`

	Peer   string   `json:"peer,omitempty"`   // its outside address, with the port where that says something
	Local  []string `json:"local,omitempty"`  // networks or addresses on this side
	Remote []string `json:"remote,omitempty"` // and on the other

	Since     time.Time `json:"since,omitzero"`     // up since
	Handshake time.Time `json:"handshake,omitzero"` // the last one
	Rekey     time.Time `json:"rekey,omitzero"`     // the next one
	In        uint64    `json:"in_bytes,omitempty"` // since it is up, in bytes
	Out       uint64    `json:"out_bytes,omitempty"`
}

// A Signer is the shape of what may be a CA.
type Signer interface {
	// Signs says whether it is one, so that all that it signed is void without it.
	Signs() bool
}

// An Enroller is the shape of a block that lets people in, a nested block each. Where
// it is of no block, another one does.
type Enroller interface {
	Enrolled() Enrollment
}

// An Enrollment is whom a block lets in, and how that is written.
type Enrollment struct {
	Block   string          // type of the nested block, as client
	Revoked string          // its attribute that shuts one out
	People  map[string]bool // labels, and whether they are let in

	Apart       bool   // it vouches for people, and others let them in by that
	With, Value string // an attribute that a new one needs, and what is free for it; empty for none
}

// An Admitter is the shape of a block that lets people in for whom another one vouches.
type Admitter interface {
	Admits() ID // the other one; zero where there is none
}

// A Mover is the shape of a block that rests on files which others made, so that they
// have to go along where a host is moved.
type Mover interface {
	Moves(label string) Luggage
}

// Luggage is what goes along, by path.
type Luggage struct {
	Files []string // files of others, and directories
	Away  []string // what need not be on the host, and goes along where it is
	Loose []string // the same of what nobody misses
}

// A Bearer is the shape of a certificate.
type Bearer interface {
	Bearer() Bearing
}

// A Bearing is whose a certificate is.
type Bearing struct {
	Name   string // common name
	Person bool   // who dials in, and no server or CA
	Key    string // path of its private key

	Generation int  // of a CA: which of its PKI it is, from 1 on; 0 where those are not counted
	Former     bool // of a CA whose place another one took
	Link       bool // of a CA, signed by the one before
}

// An AppHolder is the shape of the seed of codes that an app on somebody's phone
// shows. It is asked with what is on record of one.
type AppHolder interface {
	App() App
}

// An App shows codes: who has it, and whom it says that they are for.
type App struct{ Holder, Issuer string }

// A Roller is the shape of a list of those for whom a CA vouches. It is asked with
// what is on record of one.
type Roller interface {
	Roll() []Holder
}

// A Holder has a certificate.
type Holder struct {
	Name     string    // common name
	Serial   string    // in hexadecimal
	NotAfter time.Time // zero of one that is revoked
	Revoked  bool
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
