package configtest

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"vpnd/internal/resource"
)

// A Stage is a composite of two stages: the second one begins once a part is there, or can
// be made. That is what it is as well where nobody asks the host.
type Stage struct {
	Part *string `vpnd:"part,required" doc:"what the second stage needs"`

	first bool
}

// Stage finds out how far it has come.
func (s *Stage) Stage(_ string, on resource.Site) error {
	part := resource.Resource{ID: resource.ID{Kind: "part", Name: *s.Part}, Want: &Part{}}
	got, err := on.Observe(part)
	s.first = got == nil && on.Awaits(part) != ""
	return err
}

func (s *Stage) now() string {
	if s.first {
		return "the first stage"
	}
	return "the second stage"
}

// Exports returns what it tells besides its attributes.
func (s *Stage) Exports(string) any {
	return struct {
		Now string `vpnd:"now"`
	}{s.now()}
}

// Expand returns what it stands for.
func (s *Stage) Expand(name string) ([]resource.Resource, error) {
	return []resource.Resource{{ID: resource.ID{Kind: "sysctl", Name: name}, Want: &Sysctl{Value: resource.Ptr(s.now())}}}, nil
}

// A Part is what a stage may need.
type Part struct{}

// parts has a host of which the name of a part says everything.
type parts struct{ Verbs[Part] }

// Observe finds what is there, and nothing of what is hidden.
func (parts) Observe(_ context.Context, wants map[string]*Part) (map[string]*Part, error) {
	seen := make(map[string]*Part)
	for name, want := range wants {
		switch {
		case strings.HasPrefix(name, "hidden"):
			return nil, fmt.Errorf("looking at the parts: %w", fs.ErrPermission)
		case strings.HasPrefix(name, "there"):
			seen[name] = want
		}
	}
	return seen, nil
}

// Awaits says for what one waits that somebody has to bring.
func (parts) Awaits(_ context.Context, name string, _, _ *Part) string {
	if strings.HasPrefix(name, "brought") {
		return "somebody to bring it"
	}
	return ""
}
