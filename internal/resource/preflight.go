package resource

import (
	"context"
	"slices"
)

// A Preflighter knows what has to be on the host for a thing to come true, and
// says so before anything is touched: the unit that shall run, the account that
// shall own a file. It changes nothing, and takes what the plan is about to make
// for made.
type Preflighter[T any] interface {
	Preflight(ctx context.Context, name string, want T, plan Prospect) error
}

// A Requirement is what a block needs of the host besides what it makes itself.
// It stands with the resource that would fail without it, and is only looked at
// where a plan makes or changes that: what works already is not refused.
type Requirement struct {
	Owner Owner  // the block that asks for it; set by the configuration
	Path  string // the attribute that does
	// Met returns nil where the host is as it has to be, and else what is wrong
	// and the way out. It changes nothing.
	Met func(ctx context.Context, plan Prospect) *Mistake
}

// A Prospect is what a plan is about to do, as far as it matters to what is not
// on the host yet, or no longer: names by kind.
type Prospect struct {
	Coming  map[string][]string // made or changed
	Leaving map[string][]string // taken away, or stopped
}

// Comes says whether the plan makes or changes that.
func (p Prospect) Comes(kind, name string) bool { return slices.Contains(p.Coming[kind], name) }

// Any says whether the plan makes or changes anything of a kind.
func (p Prospect) Any(kind string) bool { return len(p.Coming[kind]) > 0 }

// Leaves says whether the plan takes that away.
func (p Prospect) Leaves(kind, name string) bool { return slices.Contains(p.Leaving[kind], name) }
