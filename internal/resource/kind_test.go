package resource

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// measured is a kind whose things are all there, and current where the wish
// names their number.
type measured struct{}

func (measured) Observe(_ context.Context, wants map[string]*shape) (map[string]*shape, error) {
	seen := make(map[string]*shape)
	var errs []error
	for name, want := range wants {
		switch {
		case name == "odd":
			errs = append(errs, &NameError{Name: name, Err: errors.New("it is odd")})
		case want == nil:
			seen[name] = &shape{Text: Ptr("unmeasured")}
		default:
			seen[name] = &shape{Number: want.Number}
		}
	}
	return seen, errors.Join(errs...)
}

func (measured) Apply(context.Context, []Item[shape]) error { return nil }
func (measured) Remove(context.Context, []string) error     { return nil }

func TestWhoMeasuresIsToldTheWish(t *testing.T) {
	seen := Define("measured", "", Traits{}, measured{}).Observe(t.Context(), map[string]any{"a": &shape{Number: Ptr(7)}, "leaves": nil, "odd": nil})
	if got := seen["a"]; got.Err != nil || !Equal(got.Got, &shape{Number: Ptr(7)}) {
		t.Errorf("%+v", got)
	}
	if got := seen["leaves"]; got.Err != nil || !Equal(got.Got, &shape{Text: Ptr("unmeasured")}) {
		t.Errorf("%+v", got)
	}
	if got := seen["odd"]; got.Got != nil || got.Err == nil || got.Err.Error() != "it is odd" {
		t.Errorf("%+v", got)
	}
}

func TestDiffering(t *testing.T) {
	some := map[string]string{"remote": "a", "digest": "x"}
	for _, c := range []struct {
		a, b map[string]string
		want []string
	}{
		{some, some, nil},
		{some, map[string]string{"remote": "b", "digest": "x"}, []string{"remote"}},
		{some, map[string]string{"remote": "a"}, []string{"digest"}},
		{nil, some, []string{"digest", "remote"}}, // nothing is on record
		{some, nil, []string{"digest", "remote"}},
	} {
		if got := Differing(c.a, c.b); !slices.Equal(got, c.want) {
			t.Errorf("%v and %v differ in %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
