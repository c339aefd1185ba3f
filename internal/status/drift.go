package status

import (
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Outcome is what the daemon did about a drift.
type Outcome string

// The outcomes.
const (
	Repaired   Outcome = "repaired"
	Failed     Outcome = "failed"
	Reported   Outcome = "reported"   // mode is observe
	Suppressed Outcome = "suppressed" // somebody undid it with vpnd rollback
	Flapping   Outcome = "flapping"   // another program changes it again and again
	Waits      Outcome = "waits"      // for another vpnd, a package manager or something that is lost
	UnderWay   Outcome = "under way"  // its error is that of the last try
	Unobserved Outcome = "unknown"    // it can't be observed; of events
	Protected  Outcome = "protected"  // a key is lost; a new one would void what others hold
)

// Drift is something that moved behind vpnd's back.
type Drift struct {
	ID      resource.ID     `json:"id"`
	Address string          `json:"address"` // the block that asks for it
	Action  engine.Action   `json:"action"`
	Reason  engine.Reason   `json:"reason"`
	Diffs   []resource.Diff `json:"diffs"` // secrets masked, long values shortened
	Since   time.Time       `json:"since"` // when it was noticed
	Noticed string          `json:"noticed"`
	By      string          `json:"by,omitempty"` // the program that did it, where known
	Outcome Outcome         `json:"outcome"`
	Error   string          `json:"error,omitempty"`
}

// Pending is a change of the configuration that is not done.
type Pending struct {
	ID      resource.ID   `json:"id"`
	Action  engine.Action `json:"action"`
	Reason  engine.Reason `json:"reason"`
	Outcome Outcome       `json:"outcome"`
	Error   string        `json:"error,omitempty"`
}

// Flap is a thing that another program changes as often as vpnd repairs it.
type Flap struct {
	ID      resource.ID `json:"id"`
	By      string      `json:"by,omitempty"`
	Since   time.Time   `json:"since"`
	Repairs int         `json:"repairs"`
	Until   time.Time   `json:"until,omitzero"` // left alone until then; none where it is repaired all the same
}

// Suppression is what is not done again, since somebody undid it.
type Suppression struct {
	Command string        `json:"command"`
	Since   time.Time     `json:"since"`
	IDs     []resource.ID `json:"ids"`
	All     bool          `json:"all,omitempty"` // everything but what guards the host, since a file of the state was damaged
}

// Unknown is a resource that could not be observed.
type Unknown struct {
	ID      resource.ID `json:"id"`
	Address string      `json:"address"` // the block that asks for it
	Error   string      `json:"error"`
	Since   time.Time   `json:"since"` // when it was noticed
	Noticed string      `json:"noticed"`
	By      string      `json:"by,omitempty"` // the program that made it so, where known
}

// Unconfirmed is an apply that is undone unless somebody confirms it.
type Unconfirmed struct {
	Snapshot string    `json:"snapshot"`          // what undoes it
	Until    time.Time `json:"until"`             // the deadline
	Overdue  bool      `json:"overdue,omitempty"` // nobody confirmed it in time, and it is not undone yet
	Begun    int       `json:"begun,omitempty"`   // how often the daemon has begun the undo, since nobody else did
	Error    string    `json:"error,omitempty"`   // why it could not
}
