package daemon

import (
	"fmt"
	"testing"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/watch"
)

func TestAllWhoWroteAreNamed(t *testing.T) {
	id := resource.ID{Kind: "file", Name: "/a"}
	hint := func(name, by string) resource.Hint { return resource.Hint{Kind: "file", Name: name, By: by} }
	many := []resource.Hint{}
	for i := range 500 {
		many = append(many, hint("", fmt.Sprintf("iptables (process %d)", i)))
	}
	for _, c := range []struct {
		want  string
		hints []resource.Hint
	}{
		{"", []resource.Hint{hint("", ""), hint("/a", ""), hint("/b", "vim (process 2)"), {By: "ip (process 3)"}}},
		{"sed (process 1), vim (process 2)", []resource.Hint{
			hint("/a", "sed (process 1)"), hint("/a", ""), hint("/b", "other (process 3)"), hint("", "vim (process 2)"), hint("/a", "sed (process 1)"),
		}},
		{"iptables (process 497), iptables (process 498), iptables (process 499) and 497 before", many},
	} {
		if got := (&pass{blame: true, hints: c.hints}).by(id); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// A look takes a while, and who comes meanwhile may have done what it finds.
func TestWhoCameDuringTheLookIsNamed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"chain:large": "1", "chain:z": "1"})
		r.start()
		r.alter(func() { r.looking = 40 * time.Millisecond })
		r.touch("z", "1", "innocent (process 1)")
		time.Sleep(watch.Quiet + 10*time.Millisecond)
		r.touch("large", "1", "bystander (process 2)")
		r.touch("z", "2", "culprit (process 3)")
		r.rest()
		s := r.status()
		if len(s.Recent) != 1 || s.Recent[0].By != "innocent (process 1), culprit (process 3)" {
			t.Errorf("%+v", s.Recent)
		}
	})
}

// What another vpnd starts to write rules is mostly gone when it is heard of.
func TestProgramsOfAnotherVPNDAreNotBlamed(t *testing.T) {
	for _, mode := range []string{"enforce", "observe"} {
		t.Run(mode, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.wish(map[string]string{"chain:c": "1"})
				r.start()
				r.wish(map[string]string{"chain:c": "1"}, func(s *settings.Settings) { s.Mode = &mode })
				r.reload()
				blamed := func(want string, by ...string) {
					t.Helper()
					for _, program := range by {
						r.touch("c", "2", program)
					}
					r.rest()
					s := r.status()
					if wrong := append(s.Drift, s.Recent...); len(wrong) == 0 || wrong[0].By != want {
						t.Errorf("%+v instead of by %q", wrong, want)
					}
					r.touch("c", "1", "")
					r.rest()
				}
				record := func() {
					r.as(func(e *engine.Engine) error {
						id := resource.ID{Kind: "thing", Name: "other"}
						return e.Store.Commit(state.Fact{Owe: &state.PendingRefresh{ID: id, Do: resource.Reload}}, state.Fact{Owe: &state.PendingRefresh{ID: id}})
					})
				}
				const restore, stranger = "iptables-nft-re (process 7)", "nft (process 8)"
				blamed(restore, restore)
				record()
				blamed(stranger, restore, stranger)
				record()
				blamed("", restore)
				unlock, err := state.Lock(t.Context(), r.StateDir)
				if err != nil {
					t.Fatal(err)
				}
				r.touch("c", "2", restore)
				r.rest()
				if d := r.status().Drift; len(d) != 1 || d[0].By != "" {
					t.Errorf("while another vpnd holds the lock: %+v", d)
				}
				unlock()
				r.rest()
				r.touch("c", "1", "")
				r.rest()
				blamed(restore, restore)
			})
		})
	}
}

// An event counts where it was about that kind, or about everything.
func TestHowADriftWasNoticed(t *testing.T) {
	id := resource.ID{Kind: "file", Name: "/a"}
	file, other, all := resource.Hint{Kind: "file", Name: "/b"}, resource.Hint{Kind: "tun"}, resource.Hint{}
	for _, c := range []struct {
		look, want string
		hints      []resource.Hint
	}{
		{byTimer, byTimer, nil},
		{byTimer, byTimer, []resource.Hint{other}},
		{byTimer, byEvent, []resource.Hint{other, file}},
		{byTimer, byEvent, []resource.Hint{all}},
		{atStart, atStart, []resource.Hint{file}},
		{byReload, byReload, []resource.Hint{file}},
	} {
		if got := (&pass{noticed: c.look, hints: c.hints}).how(id); got != c.want {
			t.Errorf("%s with %v: %s instead of %s", c.look, c.hints, got, c.want)
		}
	}
}

// Drift that stays open names who made it first, and later writers as they come.
func TestLaterWritersAreNamed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "1", "b": "1"}, observe)
		r.reload()
		by := func(want string) {
			t.Helper()
			r.rest()
			if s := r.status(); len(s.Drift) != 1 || s.Drift[0].By != want {
				t.Errorf("drift: %+v, not by %s", s.Drift, want)
			}
		}
		r.touch("a", "2", "evil")
		by("evil")
		r.touch("a", "2", "idle") // changes nothing of it
		by("evil")
		r.touch("a", "3", "worse")
		by("evil, then worse")
		r.touch("a", "4", "evil")
		by("evil, then worse")
		r.touch("a", "5", "third")
		r.rest()
		r.touch("a", "6", "fourth")
		by("evil, then worse, then third, then fourth")
	})
}
