package transaction

import (
	"time"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// People are whom a transaction talks to: somebody at a terminal, or whoever reads
// what a command wrote.
type People interface {
	Tell(Event)

	// Answers returns the lines that somebody types, the same at each call; it is
	// closed once nobody does any more. Nil is nobody to ask.
	Answers() <-chan string
}

// An Event is what people are told, one of the types below.
type Event any

// What people are told of a plan, and asked.
type (
	// Planned is a plan that is about to be carried out.
	Planned struct{ Plan *engine.Plan }
	// Moved says that the host has moved meanwhile, so that the plan is another one.
	Moved struct{}
	// Agree asks for a yes to the plan.
	Agree struct{}
	// Keep asks for a yes or a no to what was applied.
	Keep struct {
		Until time.Time // when it is undone; zero where they are asked again
	}
)

// What people are told of an apply.
type (
	// Reported is what became of a plan.
	Reported struct {
		Command string // as the history knows it
		Plan    *engine.Plan
		Report  engine.Report
		Waiting []string // who has to be given something anew
	}
	// Watching says by how many probes the host is watched.
	Watching struct{ Probes int }
	// Fails is a check that does not hold.
	Fails struct{ confirm.Failure }
	// Checked is how many checks hold, and how many do not.
	Checked struct{ Hold, Fail int }
	// Applied is an apply that is kept without anybody's word.
	Applied struct {
		Engine *engine.Engine
		Report engine.Report
	}
	// Unconfirmed is an apply that waits for confirmation by somebody else.
	Unconfirmed struct{ Until time.Time }
	// Confirmed is an apply that is kept.
	Confirmed struct {
		Snapshot  string // what undoes it all the same
		Elsewhere bool   // somebody else has confirmed it
	}
	// Extended is an apply with another deadline.
	Extended struct {
		Until  time.Time
		Sooner time.Duration // what was asked for, where that is sooner and the deadline stays; else zero
	}
)

// What people are told of an undo.
type (
	// Overdue says that nobody has confirmed in time.
	Overdue struct{}
	// Undoing says that an apply is undone, and why.
	Undoing struct{ Why error }
	// Incomplete says that the undo of an apply that did not prove itself has not
	// come to its end.
	Incomplete struct{}
	// GoneBack says that an apply is undone.
	GoneBack struct {
		Resumed   bool          // and the one before, which it went on with
		Elsewhere bool          // somebody else has undone it, and knows what was left
		Left      []resource.ID // what did not go back; the notes of the plan say why
	}
	// Stuck says that not all went back.
	Stuck struct {
		Snapshot string // that the rest goes back to
		Pending  bool   // an apply waits for that
	}
	// GivenUp says that an undo is not tried again.
	GivenUp struct{ Tries int }
	// Abandoned says that somebody gave an undo up.
	Abandoned struct{}
)

// What people are told of a state that is damaged.
type (
	// Damaged is damage that an undo gets around.
	Damaged struct{ Damage *state.DamageError }
	// Mended is damage that was set aside.
	Mended struct{ Damage *state.DamageError }
	// Homeless says why there is no directory of keys and profiles.
	Homeless struct{ Err error }
)
