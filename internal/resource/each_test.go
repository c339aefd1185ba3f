package resource

import (
	"errors"
	"strings"
	"testing"
)

// All are dealt with, whatever happens to some, and it is told to whom.
func TestTogetherNobodyIsForgotten(t *testing.T) {
	one := 1
	seen, err := ObserveTogether(map[string]*int{"a": nil, "b": nil, "gone": nil, "c": nil}, func(name string, _ *int) (*int, error) {
		switch name {
		case "gone":
			return nil, nil
		case "a":
			return &one, errors.New("half of it")
		case "c":
			return nil, errors.New("nobody knows")
		}
		return &one, nil
	})
	if len(seen) != 1 || seen["b"] == nil {
		t.Errorf("seen are %v", seen)
	}
	if names := namesOf(err); names != "a c" {
		t.Errorf("it is told of %q: %v", names, err)
	}
	err = ApplyTogether([]Item[int]{{Name: "a"}, {Name: "b"}, {Name: "c"}}, func(i Item[int]) error {
		if i.Name == "b" {
			return nil
		}
		return errors.New("no")
	})
	if names := namesOf(err); names != "a c" {
		t.Errorf("it is told of %q: %v", names, err)
	}
}

func namesOf(err error) string {
	var names []string
	for _, err := range Each(err) {
		var of *NameError
		if errors.As(err, &of) {
			names = append(names, of.Name)
		}
	}
	return strings.Join(names, " ")
}
