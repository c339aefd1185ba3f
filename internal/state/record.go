package state

import (
	"time"

	"vpnd/internal/resource"
)

// A Record is what vpnd knows of one resource that it manages.
type Record struct {
	ID       resource.ID        `json:"id"`
	Owners   []resource.Owner   `json:"owners,omitempty"`
	After    []resource.ID      `json:"after,omitempty"`
	Triggers []resource.Trigger `json:"triggers,omitempty"` // so that the end of what it reads reaches it too
	Want     Digest             `json:"want"`               // what was applied last
	Touched  []string           `json:"touched,omitempty"`  // attributes that were applied once and are no longer wished for
	Prior    string             `json:"prior,omitempty"`    // name of the blob with what stood there before; empty where nothing did
	Handout  *Handout           `json:"handout,omitempty"`  // its holder has a copy that is no longer good; nil where that is not so
	Given    *Given             `json:"given,omitempty"`    // when its holder got it last; nil where that is not known
	Open     bool               `json:"open,omitempty"`     // the host was about to be touched and nobody has looked since
	Since    time.Time          `json:"since"`              // when vpnd took it up, UTC
}

// A Handout is a thing, such as a profile, that has to be given to its holder anew.
type Handout struct {
	Since   time.Time         `json:"since"`             // when it changed, UTC
	Why     []string          `json:"why"`               // what changed, in words
	Held    map[string]string `json:"held,omitempty"`    // what the copy of the holder agrees on
	Sources bool              `json:"sources,omitempty"` // it is made of other files than the copy was
}

// Given is when somebody was given a thing, and by whom.
type Given struct {
	At time.Time `json:"at"`           // UTC
	By string    `json:"by,omitempty"` // the person; empty where that is not known
}
