package status

import (
	"fmt"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// A Remark is what people should know besides, and who made it so, where it came
// while somebody was heard of.
type Remark struct {
	engine.Note
	By string
}

// String is the line of it in the status.
func (r Remark) String() string {
	text := strings.TrimPrefix(fmt.Sprintf("%s: %s", r.ID.Name, r.Text), ": ")
	if r.By != "" {
		text += " (written by " + r.By + ")"
	}
	return text
}

// AsDrift is what an event tells of it, among what drifted.
func (u Unknown) AsDrift() Drift {
	return Drift{
		ID: u.ID, Address: u.Address, Reason: UnknownReason, Diffs: []resource.Diff{},
		Since: u.Since, Noticed: u.Noticed, By: u.By, Outcome: Unobserved, Error: u.Error,
	}
}

// UnknownReason stands where the reason of a change would: there is no change.
const UnknownReason engine.Reason = "unknown"
