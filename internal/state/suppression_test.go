package state

import (
	"encoding/json"
	"testing"
)

// A digest tells neither what it is of nor that two things are alike, and is the
// same of what was written and read meanwhile.
func TestDigestsOfWhatIsSuppressed(t *testing.T) {
	s := open1(t, t.TempDir())
	digest := func(name, data string) string {
		t.Helper()
		sum, err := s.digest(name, json.RawMessage(data))
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	if digest("a", `{"x":1}`) == digest("b", `{"x":1}`) {
		t.Error("equal things show")
	}
	if digest("a", `{"x":1}`) != digest("a", `{ "x": 1 }`) {
		t.Error("the same is another thing once it was written")
	}
	if sum, err := s.digest("a", nil); sum != "" || err != nil {
		t.Errorf("of nothing: %q, %v", sum, err)
	}
}
