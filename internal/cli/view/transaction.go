package view

import (
	"fmt"
	"strings"

	"vpnd/internal/transaction"
)

// Talk is what is asked, or said while somebody waits.
func Talk(e transaction.Event) string {
	const keep = "Keep it? (yes or no): "
	switch e := e.(type) {
	case transaction.Moved:
		return "The host changed meanwhile, so this is the plan now:\n\n"
	case transaction.Agree:
		return "Make these changes? Only yes is taken for an answer: "
	case transaction.Watching:
		return fmt.Sprintf("Watching whether the host can still be reached, by %d probes that worked before ...\n", e.Probes)
	case transaction.Keep:
		if !e.Until.IsZero() {
			return fmt.Sprintf("Is the host still right? Try a new connection to it. At %s everything is undone.\n%s", Clock(e.Until), keep)
		}
	}
	return keep
}

// Trouble is what stands against an undo or an apply, with the way out.
func Trouble(e transaction.Event) string {
	switch e := e.(type) {
	case transaction.Homeless:
		return fmt.Sprintf("making the directory of keys and profiles: %v", e.Err)
	case transaction.GivenUp:
		return fmt.Sprintf("given up after %d tries; what is named above is not as before", e.Tries)
	case transaction.Stuck:
		again := "vpnd rollback " + e.Snapshot + " tries the rest again"
		if e.Pending {
			again += "; " + transaction.WayOut
		}
		return "not all is as before: what failed above is not, and all else is. " + again
	default:
		return "the undo is not complete; vpnd rollback tries again, and so does the timer where there was --confirm"
	}
}

// Outcome is what became of an apply or an undo.
func Outcome(e transaction.Event) string {
	switch e := e.(type) {
	case transaction.Checked:
		return fmt.Sprintf("Checks: %d hold, %d don't.", e.Hold, e.Fail)
	case transaction.Undoing:
		return fmt.Sprintf("\nUndoing it: %s.", oneLine(e.Why))
	case transaction.GoneBack:
		return "\nUNDONE. " + goneBack(e)
	case transaction.Confirmed:
		if e.Elsewhere {
			return "\nConfirmed from elsewhere: the host stays as it is."
		}
		return "Confirmed: the host stays as it is. To undo it after all: vpnd rollback " + e.Snapshot
	case transaction.Overdue:
		return "Nobody confirmed the apply in time, so it is undone."
	case transaction.Abandoned:
		return "Given up: the host stays as it is now, whatever of the apply is undone. vpnd plan shows how that differs from the configuration."
	default:
		return fmt.Sprintf("%T", e) // of which a test knows that there is none
	}
}

// mostStays is of how much that did not go back the names are told.
const mostStays = 5

// goneBack says how the host is after an undo.
func goneBack(e transaction.GoneBack) string {
	before := "The host is as it was before this apply"
	if e.Resumed {
		before += " and the one before it, which was cut short"
	}
	switch {
	case e.Elsewhere:
		return before + ", unless its undo named something that it left out; vpnd history tells where it was called."
	case len(e.Left) == 0:
		return before + "."
	}
	var names []string
	for _, id := range e.Left[:min(len(e.Left), mostStays)] {
		names = append(names, id.String())
	}
	left := strings.Join(names, ", ")
	if more := len(e.Left) - len(names); more > 0 {
		left += fmt.Sprintf(" and %d more", more)
	}
	return before + ", but for what did not go back: " + left + ". The notes above say why."
}

func oneLine(err error) string {
	first, rest, _ := strings.Cut(err.Error(), "\n")
	if rest != "" {
		first += ", and more"
	}
	return first
}
