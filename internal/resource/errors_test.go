package resource

import (
	"errors"
	"fmt"
	"testing"
)

func TestSplitFindsNamesHoweverDeepTheyAreJoined(t *testing.T) {
	full, busy, lost := errors.New("full"), errors.New("busy"), errors.New("lost")
	named, general := Split(errors.Join(
		lost,
		errors.Join(
			&NameError{Name: "a", Err: full},
			fmt.Errorf("writing: %w", &NameError{Name: "b", Err: busy}),
			errors.Join(&NameError{Name: "a", Err: busy}),
		),
	))
	if len(named) != 2 || !errors.Is(named["a"], full) || !errors.Is(named["a"], busy) || !errors.Is(named["b"], busy) {
		t.Errorf("named: %v", named)
	}
	if !errors.Is(general, lost) || errors.Is(general, full) || errors.Is(general, busy) {
		t.Errorf("the rest: %v", general)
	}
	if named, general := Split(nil); len(named) > 0 || general != nil {
		t.Errorf("of nothing: %v, %v", named, general)
	}
}
