package report

import (
	"encoding/json"
	"io"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// FormatVersion is the version of the JSON form. The first number grows when
// something is taken away or changes its meaning.
const FormatVersion = "2.0"

// Plan is the JSON form of a plan.
type Plan struct {
	FormatVersion string          `json:"format_version"`
	Changes       []Change        `json:"changes"`        // what the configuration asks for anew
	Drift         []Change        `json:"resource_drift"` // what moved behind vpnd's back
	Unknown       []Unknown       `json:"unknown,omitempty"`
	Notes         []Note          `json:"notes,omitempty"`
	Waits         []Wait          `json:"waits,omitempty"`
	LeftOut       []resource.ID   `json:"left_out,omitempty"`     // what needs a running host, below another root
	NewProfiles   []NewProfile    `json:"new_profiles,omitempty"` // that have to be handed out
	Disruption    resource.Effect `json:"disruption"`
}

// Wait is what an apply leaves as it is until somebody has brought something.
type Wait struct {
	ID   resource.ID `json:"id"`
	What string      `json:"what"` // what has to be brought, in words
	For  resource.ID `json:"for"`  // the thing that it has to be brought for: this one, or one that it needs
}

// NewProfile is what somebody needs anew, since the copy they have is void or will
// be.
type NewProfile struct {
	Holder string      `json:"holder"`
	ID     resource.ID `json:"id"`
	Why    []string    `json:"why"`
	Since  time.Time   `json:"since,omitzero"` // left out where this plan makes it so
}

// Change is the JSON form of a change.
type Change struct {
	Step        int             `json:"step"`    // its place in the order of apply, from 1
	Address     string          `json:"address"` // the block that asks for it
	ID          resource.ID     `json:"id"`
	Action      engine.Action   `json:"action"`
	Reason      engine.Reason   `json:"reason"`
	Because     *resource.ID    `json:"because,omitempty"`
	Diffs       []resource.Diff `json:"diffs"`
	Disruption  resource.Effect `json:"disruption"`
	Loses       string          `json:"loses,omitempty"`       // what others hold and is void once the thing has left
	Invalidates string          `json:"invalidates,omitempty"` // what others hold and is void then
	Source      *Source         `json:"source,omitempty"`
}

// Source is a place in the configuration.
type Source struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Unknown is a resource that could not be looked at.
type Unknown struct {
	ID    resource.ID `json:"id"`
	Error string      `json:"error"`
}

// Note is something that no apply can change.
type Note struct {
	About string `json:"about"` // a resource or a kind
	Text  string `json:"text"`
}

// ToJSON returns the JSON form of a plan.
func ToJSON(p *engine.Plan) Plan {
	j := Plan{FormatVersion: FormatVersion, Changes: []Change{}, Drift: []Change{}, LeftOut: p.LeftOut, Disruption: p.Cost()}
	for i, c := range p.Changes {
		change := toJSON(c)
		change.Step = i + 1
		if c.IsDrift {
			j.Drift = append(j.Drift, change)
		} else {
			j.Changes = append(j.Changes, change)
		}
	}
	for _, problem := range p.Problems {
		j.Unknown = append(j.Unknown, Unknown{ID: problem.ID, Error: problem.Err.Error()})
	}
	for _, w := range p.Waits {
		j.Waits = append(j.Waits, Wait{ID: w.ID, What: w.What, For: w.For})
	}
	for _, n := range p.Notes {
		j.Notes = append(j.Notes, Note{About: about(n.ID), Text: n.Text})
	}
	for _, h := range p.Handouts() {
		j.NewProfiles = append(j.NewProfiles, NewProfile{Holder: h.Holder, ID: h.ID, Why: h.Why, Since: h.Since})
	}
	return j
}

func toJSON(c engine.Change) Change {
	j := Change{ID: c.ID, Address: c.ID.String(), Action: c.Action, Reason: c.Reason, Diffs: c.Diffs, Disruption: c.Cost, Loses: c.Loses, Invalidates: c.Invalidates}
	if j.Diffs == nil {
		j.Diffs = []resource.Diff{}
	}
	if c.Reason == engine.Follows {
		j.Because = &c.Because
	}
	if len(c.Owners) > 0 {
		o := c.Owners[0]
		j.Address = o.Block.String()
		if o.File != "" {
			j.Source = &Source{File: o.File, Line: o.Line}
		}
	}
	return j
}

// WriteJSON writes any JSON form, indented, with a last newline.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
