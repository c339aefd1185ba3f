package revoked

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// then is when the configuration before an apply was taken.
var then = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// asking is a configuration that asks for some things.
func asking(present []state.Was) *state.Wish {
	return &state.Wish{Since: then, Present: present, Settings: json.RawMessage("{}"), Checks: json.RawMessage("[]")}
}

// undoes is about to undo applies that made of some things others, step by step.
func undoes(t *testing.T, steps ...[]state.Was) (*Exempt, *state.Snapshot) {
	t.Helper()
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	first := ""
	for i, now := range steps[1:] {
		before := steps[i]
		snap := &state.Snapshot{Taken: then.Add(time.Duration(i+1) * time.Second), Returns: true, Present: slices.Clone(before)}
		if err := errors.Join(store.KeepWish(asking(before)), store.Follows(snap, asking(now)), store.SaveSnapshot(snap), store.KeepWish(asking(now))); err != nil {
			t.Fatal(err)
		}
		first = cmp.Or(first, snap.Name)
	}
	snap, _, err := store.Since(first)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Find(t.TempDir(), store, snap)
	if err != nil {
		t.Fatal(err)
	}
	return e, snap
}

// A list is made for those who are members both before and after an undo, whoever
// was let in or revoked in between.
func TestAListIsOfThoseWhoAreMembersBeforeAndAfter(t *testing.T) {
	for name, c := range map[string]struct {
		before, now string // members
		kept        string
		barred      string // named in the notes
		struck      string // left out of the configuration that comes back
	}{
		"bob was revoked":            {"alice bob", "alice", "alice", "bob", "bob"},
		"nobody was":                 {"alice bob", "alice bob", "alice bob", "", ""},
		"carol was let in":           {"alice", "alice carol", "alice", "", ""},
		"bob left, and carol came":   {"alice bob", "alice carol", "alice", "bob", "bob"},
		"everybody was revoked":      {"alice bob", "", "", "alice, bob", "alice bob"},
		"nobody was ever one before": {"", "alice", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, now := members(t, c.before), members(t, c.now)
			e, _ := undoes(t, before, now)
			back := asking(slices.Clone(before))
			e.Amend(back)
			if got := of(t, back.Present); got != c.kept {
				t.Errorf("the list that comes back is of %q instead of %q", got, c.kept)
			}
			told := ""
			for _, n := range e.Notes() {
				told += n.Text
				if !n.Stays {
					t.Errorf("nobody knows that it stays: %s", n.Text)
				}
			}
			if (told == "") != (c.barred == "") || !strings.Contains(told, "by an undo: "+c.barred) && c.barred != "" {
				t.Errorf("people are told %q instead of %q", told, c.barred)
			}
			for _, who := range []string{"alice", "bob"} {
				stands := names(back.Present, certificate(who))
				if want := strings.Contains(c.before, who) && !strings.Contains(c.struck, who); stands != want {
					t.Errorf("the certificate of %s comes back: %t", who, stands)
				}
			}
		})
	}
}

// An undo that was cut short has taken a certificate away, and its list may not bar
// it yet: the next try makes that list all the same.
func TestAListIsMadeAnewWhereAnUndoWasCutShort(t *testing.T) {
	for name, c := range map[string]struct {
		absent []resource.ID
		kept   int
	}{
		"a certificate goes": {[]resource.ID{certificate("bob")}, 1},
		"none does":          {[]resource.ID{{Kind: "file", Name: "/etc/motd"}}, 0},
	} {
		store, err := state.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		before := asking(members(t, "alice"))
		snap := &state.Snapshot{Taken: then.Add(time.Second), Returns: true, Absent: c.absent}
		if err := errors.Join(store.KeepWish(before), store.Follows(snap, before), store.SaveSnapshot(snap)); err != nil {
			t.Fatal(err)
		}
		e, err := Find(t.TempDir(), store, snap)
		if err != nil {
			t.Fatal(err)
		}
		lists := e.keep
		if len(lists) != c.kept || c.kept > 0 && of(t, lists) != "alice" {
			t.Errorf("%s: %v", name, lists)
		}
	}
}

func certificate(who string) resource.ID {
	return resource.ID{Kind: pki.KindCertificate, Name: "/pki/" + who + ".crt"}
}

// members are a list of a CA, and the certificates of those on it.
func members(t *testing.T, who string) []state.Was {
	t.Helper()
	all := strings.Fields(who)
	list, err := json.Marshal(roll{Ledger: "/pki/issued", Members: append([]string{}, all...)}) // nobody is not null
	if err != nil {
		t.Fatal(err)
	}
	present := []state.Was{{ID: resource.ID{Kind: pki.KindCRL, Name: "/pki/crl.pem"}, Shape: list}}
	for _, name := range all {
		shape := `{"subject": {"common_name": "` + name + `"}, "key": "/pki/` + name + `.key", "ledger": "/pki/issued"}`
		present = append(present, state.Was{ID: certificate(name), Shape: json.RawMessage(shape)})
	}
	return present
}

// of are the members of the list among these.
func of(t *testing.T, present []state.Was) string {
	t.Helper()
	r, err := read[roll](present[0])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(r.Members, " ")
}
