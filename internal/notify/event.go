// Package notify tells people and programs what happened on a host, by commands
// and webhooks. It tells beside the agent, which waits for nobody: each of those to
// be told has a queue of its own, and is told only so much.
package notify

import (
	"fmt"
	"strings"
	"time"

	"vpnd/internal/report"
	"vpnd/internal/status"
)

// A Kind says what an event is about.
type Kind string

// The kinds of events.
const (
	Drift         Kind = "drift"         // something moved behind vpnd's back
	Flapping      Kind = "flapping"      // another program changes something again and again
	Configuration Kind = "configuration" // files that are not taken
	Failure       Kind = "failure"       // what the agent could not do
	Check         Kind = "check"         // one of the configuration's does not hold, or does again
	Expiry        Kind = "expiry"        // something runs out
	Profile       Kind = "profile"       // somebody needs a new one
	Tunnel        Kind = "tunnel"        // one is down, or up again
	Note          Kind = "note"          // what people should know besides
)

// An Event is what a notification tells, as JSON.
type Event struct {
	FormatVersion string          `json:"format_version"`
	Time          time.Time       `json:"time"`
	Host          string          `json:"host"`
	Event         Kind            `json:"event"`
	Text          string          `json:"text"` // the same for people
	Drift         []status.Drift  `json:"drift,omitempty"`
	DriftLeftOut  int             `json:"drift_left_out,omitempty"` // how much more of it vpnd status tells
	Tunnels       []status.Tunnel `json:"tunnels,omitempty"`        // that are down, or up again
	LeftOut       int             `json:"left_out,omitempty"`       // events that were not told before this one, since there were too many
}

// MostTold is of how many things one event tells.
const MostTold = 50

// Drifted is the event of what drifted, and of what can't be looked at any more.
func Drifted(news []status.Drift) Event {
	var lines []string
	for _, d := range news {
		lines = append(lines, sentence(d))
	}
	told := news[:min(len(news), MostTold)]
	return Event{Event: Drift, Text: Text(lines), Drift: told, DriftLeftOut: len(news) - len(told)}
}

// Text has as many of the lines as one event tells, and says how many more there
// are.
func Text(lines []string) string {
	text := strings.Join(lines[:min(len(lines), MostTold)], "\n")
	if more := len(lines) - MostTold; more > 0 {
		text += fmt.Sprintf("\nand %d more, of which vpnd status tells", more)
	}
	return text
}

func sentence(d status.Drift) string {
	text := fmt.Sprintf("%s drifted: %s; %s", d.ID, report.Story(d.Diffs), d.Outcome)
	if d.Outcome == status.Unobserved {
		text = fmt.Sprintf("%s can't be looked at and is left alone: %s", d.ID, d.Error)
	}
	if d.By != "" {
		text += "; by " + d.By
	}
	if d.Outcome == status.Protected {
		text += "; " + d.Error
	}
	return text
}
