package engine

import (
	"testing"

	"vpnd/internal/resource"
)

// A saved plan is of one host as it was: whatever moves since makes it another.
func TestFingerprint(t *testing.T) {
	r := newRig(t)
	seal := func(s resource.Secret) any { return len(s.Reveal()) }
	salt := "salt"
	of := func(want string) string {
		t.Helper()
		sum, err := r.plan(wish("a", text(want))).Fingerprint([]byte(salt), seal)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	first := of("1")
	r.things["a"] = text("2")
	taken := of("1")
	r.things["a"] = text("3")
	moved, other := of("1"), of("4")
	seen := map[string]bool{first: true, taken: true, moved: true, other: true}
	if len(seen) != 4 {
		t.Errorf("of four plans some are one: %q", []string{first, taken, moved, other})
	}
	if of("4") != other {
		t.Error("the same plan is another one")
	}
	if salt = "another"; of("4") == other {
		t.Error("whoever sees it can guess what is in it")
	}
}

// Why something is done is part of what somebody agreed to.
func TestFingerprintHoldsTheReason(t *testing.T) {
	p := &Plan{Changes: []Change{{ID: id("a"), Action: Update, Reason: Drift, item: &item{}}}}
	drift, err := p.Fingerprint(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Changes[0].Reason = TakesOver
	if taken, err := p.Fingerprint(nil, nil); err != nil || taken == drift {
		t.Errorf("%s, %v", taken, err)
	}
}
