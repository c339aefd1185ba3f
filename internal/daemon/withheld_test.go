package daemon

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// many are n things.
func many(n int) map[string]string {
	texts := make(map[string]string)
	for i := range n {
		texts[fmt.Sprintf("thing%d", i)] = "1"
	}
	return texts
}

// A file that was cut off takes nothing down: what would take much away waits for
// a person, is told, and stays in force meanwhile.
func TestAReloadThatWouldTakeMuchAwayWaitsForAPerson(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(many(20))
		r.start()
		for _, left := range []int{0, 1, 14} {
			r.wish(many(left))
			r.reload()
			r.want(many(20))
			if c := r.status().Configuration; !c.Valid || !c.Changed || !strings.Contains(c.Withheld, "waits for a person: vpnd apply") {
				t.Errorf("%d things are left: %+v", left, c)
			}
		}
		if r.logged("the files ask for nothing any more, and would take away all that is in force (20 in all)") != 1 {
			t.Error(r.logs.String())
		}
		r.wish(many(15))
		r.reload()
		r.want(many(15))
		if c := r.status().Configuration; c.Withheld != "" || c.Changed {
			t.Errorf("%+v", c)
		}
		r.stop()
		r.wish(nil)
		r.start()
		r.want(many(15))
		if c := r.status().Configuration; !c.Changed || c.Withheld == "" {
			t.Errorf("%+v", c)
		}
	})
}

// The share is the owner's to choose, in what is in force.
func TestRemovalLimit(t *testing.T) {
	bubble(t, func(r *rig) {
		limit := func(s *settings.Settings) { s.RemovalLimit = resource.Ptr(90) }
		r.wish(many(20), limit)
		r.start()
		r.wish(many(2))
		r.reload()
		r.want(many(2))
	})
}

// Where the state has lost what is in force, or holds it damaged, the records tell
// what a file that was cut off would take away, at a start as at a reload.
func TestMuchIsNotTakenAwayWhereWhatIsInForceWasLost(t *testing.T) {
	for name, lose := range map[string]func(string) error{
		"lost":    os.Remove,
		"damaged": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.wish(many(20))
				r.start()
				r.stop()
				if err := lose(r.StateDir + "/wish.json"); err != nil {
					t.Fatal(err)
				}
				r.wish(nil)
				r.start()
				r.want(many(20))
				for _, told := range []func(){r.reload, r.edited} {
					told()
					r.want(many(20))
					if c := r.status().Configuration; !strings.Contains(c.Withheld, "all that is in force (20 in all)") {
						t.Errorf("%+v", c)
					}
				}
				r.wish(many(19))
				r.reload()
				r.want(many(19))
			})
		})
	}
}
