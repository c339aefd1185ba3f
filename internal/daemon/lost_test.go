package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// halves are things of which others hold the other half.
type halves struct{ *host }

func (halves) Invalidates(got, _ *thing) string {
	if got != nil {
		return ""
	}
	return "every certificate that it signed"
}

// certified has the files ask for a key, for what is signed with it, and for
// something else.
func (r *rig) certified(set ...func(*settings.Settings)) {
	r.Catalog.Kinds = append(r.Catalog.Kinds, resource.Define("key", "", resource.Traits{Path: true}, halves{r.host}), resource.Define("paper", "", resource.Traits{Path: true}, r.host))
	r.wish(map[string]string{"key:k": "1", "paper:signed": "1", "b": "1"}, set...)
	for i, one := range r.cfg.Desired.Present {
		if one.ID.Name == "signed" {
			r.cfg.Desired.Present[i].After = []resource.ID{{Kind: "key", Name: "k"}}
		}
	}
}

// lose takes things away; only of the last one there is an event.
func (r *rig) lose(names ...string) {
	var kicks []func(resource.Hint)
	r.alter(func() {
		for _, name := range names {
			delete(r.things, name)
		}
		kicks = slices.Clone(r.kicks)
	})
	for _, kick := range kicks {
		kick(resource.Hint{Name: names[len(names)-1]})
	}
	r.rest()
}

// wrong tells what drifted and what is done about it.
func (r *rig) wrong() string {
	r.Helper()
	var words []string
	for _, d := range r.status().Drift {
		words = append(words, d.ID.Name+" "+string(d.Outcome)+" "+d.Error)
	}
	slices.Sort(words)
	return strings.Join(words, "\n")
}

func (r *rig) expectWrong(when, want string) {
	r.Helper()
	if got := r.wrong(); got != want {
		r.Errorf("%s, the status tells of\n%s\ninstead of\n%s\n%s", when, got, want, r.logs.String())
	}
}

const lostKey = "k protected put it back, and all is well; vpnd apply makes a new one, and then every certificate that it signed is void"

func TestLostKeyIsToldAndNotMadeAnew(t *testing.T) {
	bubble(t, func(r *rig) {
		r.certified()
		r.start()
		r.want(map[string]string{"k": "1", "signed": "1", "b": "1"}) // what is new is made
		r.took()
		r.lose("k", "signed")
		const both = lostKey + "\nsigned waits until key.k is put back"
		r.expectWrong("when it is lost", both)
		r.touch("b", "2", "somebody")
		r.rest()
		r.expectWrong("when something else was repaired", both)
		if took := r.took(); took != "b" {
			t.Errorf("made: %s", took)
		}
		for range 3 {
			time.Sleep(6 * time.Minute)
			r.lose("b")
		}
		r.expectWrong("a while later", both)
		for words, want := range map[string]int{
			`resource drifted" id=key.k action=create`:                                       1,
			`outcome=protected error="put it back, and all is well; vpnd apply makes`:        1,
			`resource drifted" id=paper.signed`:                                              1,
			`drift repaired" id=key.k`:                                                       0,
			`msg="change not done"`:                                                          0,
			`"a drift is gone, and vpnd did not do it" id=key.k`:                             0,
			`msg="another program changes it again and again; vpnd leaves it alone for a wh`: 0,
		} {
			if n := r.logged(words); n != want {
				t.Errorf("the journal has %d times %q", n, words)
			}
		}
		if text := notify.Drifted(r.status().Drift).Text; !strings.Contains(text, "key.k drifted") || !strings.Contains(text, "protected; put it back") {
			t.Errorf("notified: %s", text)
		}
		r.expectHistory("key.k", "protected")
		r.took()
		r.touch("k", "1", "")
		r.touch("signed", "1", "")
		r.rest()
		r.expectWrong("when it is back", "")
		if took := r.took(); took != "" {
			t.Errorf("made although it is back: %s", took)
		}
	})
}

func (r *rig) expectHistory(id, outcome string) {
	r.Helper()
	store, err := state.Read(r.StateDir)
	if err != nil {
		r.Fatal(err)
	}
	entries, err := store.History()
	n := 0
	for _, e := range entries {
		for _, c := range e.Changes {
			if c.ID.String() == id && c.Outcome == outcome {
				n++
			}
		}
	}
	if err != nil || n != 1 {
		r.Errorf("the history tells %d times that %s is %s: %v", n, id, outcome, err)
	}
}

// That the records are lost with it, or all of the state, is no word to make a new
// one either: it is in force, so that there was one.
func TestAKeyThatIsLostWithTheState(t *testing.T) {
	for what, lost := range map[string]string{"records": "records.jsonl", "state": ""} {
		for _, runs := range []bool{true, false} {
			if what == "state" && !runs {
				continue // nothing is left, and that is a new host
			}
			t.Run(fmt.Sprintf("%s, the agent runs: %v", what, runs), func(t *testing.T) {
				bubble(t, func(r *rig) {
					r.certified()
					r.start()
					r.took()
					if !runs {
						r.stop()
					}
					if err := os.RemoveAll(filepath.Join(r.StateDir, lost)); err != nil {
						t.Fatal(err)
					}
					if runs {
						r.lose("k")
					} else {
						r.alter(func() { delete(r.things, "k") })
						r.start()
					}
					r.want(map[string]string{"k": "", "signed": "1", "b": "1"})
					if got := r.wrong(); !strings.HasPrefix(got, lostKey) {
						t.Errorf("the status tells of\n%s", got)
					}
				})
			})
		}
	}
}

// The first look after a start is at everything, and takes it for lost too; a
// person's apply makes it anew.
func TestLostKeyIsForAPersonToReplace(t *testing.T) {
	bubble(t, func(r *rig) {
		r.certified()
		r.start()
		r.stop()
		r.alter(func() { delete(r.things, "k") })
		r.start()
		r.expectWrong("after a start", lostKey)
		r.reload()
		r.expectWrong("after a reload", lostKey)
		r.as(func(e *engine.Engine) error {
			p, err := e.Plan(context.Background(), resource.Desired{Present: r.cfg.Desired.Present})
			if err != nil {
				return err
			}
			return e.Apply(context.Background(), p).Failed()
		})
		r.rest()
		r.expectWrong("after an apply", "")
		r.want(map[string]string{"k": "1"})
	})
}

func TestObserverTellsOfALostKey(t *testing.T) {
	bubble(t, func(r *rig) {
		r.certified()
		r.start()
		r.certified(observe)
		r.reload()
		r.lose("k")
		r.expectWrong("when it is lost", "k reported ")
	})
}

// While a service starts, what may need the key is left for the look after it.
func TestKeyLostWhileAServiceStarts(t *testing.T) {
	bubble(t, func(r *rig) {
		r.certified()
		r.cfg.Desired.Present = append(r.cfg.Desired.Present, resource.Resource{
			ID: resource.ID{Kind: "unit", Name: "u.service"}, Want: &thing{Text: resource.Ptr("1")}, Owners: []resource.Owner{{Block: resource.ID{Kind: "block", Name: "u"}}},
		})
		r.start()
		r.alter(func() { r.starts = 30 * time.Second })
		r.touch("u.service", "2", "")
		time.Sleep(5 * time.Second)
		r.lose("k", "signed")
		r.touch("ip/filter/none", "", "")
		r.want(map[string]string{"k": "", "signed": ""})
		time.Sleep(time.Minute)
		r.expectWrong("after the start", lostKey+"\nsigned waits until key.k is put back")
		r.want(map[string]string{"u.service": "1"})
	})
}
