package transaction

import (
	"context"
	"testing"
	"testing/synctest"

	"vpnd/internal/resource"
)

// What is made ahead is what would be made later, and only of the configuration that is
// applied, as a whole.
func TestWhatIsMadeAheadIsOfWhatIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if err := r.within(func(_ context.Context, tr *Transaction) error {
			one, other := wish("one"), wish("other")
			later, err := tr.nextOf(one, nil)
			if err != nil {
				return err
			}
			tr.Ahead(other)
			tr.Ahead(one)
			ahead, err := tr.nextOf(one, nil)
			if err != nil {
				return err
			}
			if ahead != tr.ahead.next || ahead.Fingerprint == "" || ahead.Fingerprint != later.Fingerprint {
				t.Errorf("%q is made ahead instead of %q", ahead.Fingerprint, later.Fingerprint)
			}
			if next, err := tr.nextOf(other, nil); err != nil || next.Fingerprint == ahead.Fingerprint {
				t.Errorf("%v, or of another configuration the same is made", err)
			}
			if next, err := tr.nextOf(one, map[resource.ID]bool{}); err != nil || next.Fingerprint == ahead.Fingerprint {
				t.Errorf("%v, or of a part of it all is made", err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}
