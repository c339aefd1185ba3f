package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Who was revoked stays so, whatever is undone: the certificates, keys and
// profiles of such people are left out of an undo, and out of the configuration
// that it puts in force again; and a revocation list never goes back to an older
// one, but is made for those who are members both before and after.

// A lasting is what of an undo stays as it is.
type lasting struct {
	keep   []state.Was              // lists, with what is made of them, as they shall be afterwards
	out    map[resource.ID]bool     // of the snapshot: what belongs to certificates that were revoked
	struck map[resource.ID]bool     // of the configuration before: what belongs to revoked people
	names  map[resource.ID][]string // whom a list goes on to bar, though they were members before
}

// A holder is what a certificate tells of its place in a PKI.
type holder struct {
	Subject struct {
		CommonName string `json:"common_name"`
	} `json:"subject"`
	Key    string `json:"key"`
	Ledger string `json:"ledger"`
	Serial string `json:"serial"`
}

// A roll is what a revocation list tells of its members.
type roll struct {
	Ledger  string   `json:"ledger"`
	Members []string `json:"members"`
}

func tell[T any](was state.Was) (T, error) {
	var told T
	err := json.Unmarshal(was.Shape, &told)
	if err != nil {
		err = fmt.Errorf("%s: %w", was.ID, err)
	}
	return told, err
}

// outlast finds what must stay of an undo.
func (a *app) outlast(store *state.Store, snap *state.Snapshot) (*lasting, error) {
	now, err := store.Wish()
	if err != nil || now == nil {
		return new(lasting), err
	}
	back, err := store.WishBefore(snap)
	if err != nil {
		return nil, err
	}
	if back == nil {
		back = now
	}
	l := &lasting{out: make(map[resource.ID]bool), struck: make(map[resource.ID]bool), names: make(map[resource.ID][]string)}
	for _, list := range now.Present {
		if _, stands := store.Record(list.ID); !stands || list.ID.Kind != pki.KindCRL || leaves(snap, list) {
			continue
		}
		if err := a.outlastOf(l, list, snap, now, back); err != nil {
			return nil, err
		}
	}
	l.derive(back)
	return l, nil
}

// leaves says whether what a thing is made of goes with the undo, and it with
// that.
func leaves(snap *state.Snapshot, was state.Was) bool {
	return slices.ContainsFunc(was.After, func(id resource.ID) bool { return slices.Contains(snap.Absent, id) })
}

// outlastOf is about one list and those who have certificates of its CA.
func (a *app) outlastOf(l *lasting, list state.Was, snap *state.Snapshot, now, back *state.Wish) error {
	r, err := tell[roll](list)
	if err != nil {
		return err
	}
	revoked, err := a.revokedIn(r.Ledger)
	if err != nil {
		return err
	}
	barred := func(h holder) bool { return r.Members != nil && !slices.Contains(r.Members, h.Subject.CommonName) }
	void := func(h holder) bool { return barred(h) || revoked[h.Serial] }
	out, err := belongings(withPlaces(snap), r.Ledger, void)
	if err != nil {
		return err
	}
	struck, err := belongings(back.Present, r.Ledger, barred)
	if err != nil {
		return err
	}
	maps.Copy(l.out, out)
	maps.Copy(l.struck, struck)
	going, err := goers(snap, now, r.Ledger)
	if err != nil {
		return err
	}
	changes := func(was state.Was) bool { return was.ID == list.ID }
	if len(going)+len(out)+len(struck) == 0 && !slices.ContainsFunc(snap.Present, changes) {
		return nil
	}
	at := slices.IndexFunc(back.Present, changes)
	if at < 0 {
		if slices.ContainsFunc(snap.Present, changes) { // it goes, but no older one comes before that
			l.keep = append(l.keep, list)
		}
		return nil
	}
	before, err := tell[roll](back.Present[at])
	if err != nil || before.Members == nil || r.Members == nil {
		l.keep = append(l.keep, back.Present[at])
		return err
	}
	both := []string{}
	for _, name := range before.Members {
		switch {
		case !slices.Contains(r.Members, name):
			l.names[list.ID] = append(l.names[list.ID], name)
		case !slices.Contains(going, name):
			both = append(both, name)
		}
	}
	kept, err := withMembers(back.Present[at], both)
	l.keep = append(l.keep, kept)
	return err
}

// revokedIn returns the serial numbers that a ledger says are revoked.
func (a *app) revokedIn(ledger string) (map[string]bool, error) {
	entries, err := pki.Host{Root: a.root, Clock: time.Now}.Issued(ledger)
	revoked := make(map[string]bool)
	for _, e := range entries {
		revoked[e.Serial] = e.Revoked
	}
	return revoked, err
}

// goers are the names of those whose certificates an undo takes away: they may
// have left the host meanwhile.
func goers(snap *state.Snapshot, now *state.Wish, ledger string) ([]string, error) {
	var names []string
	for _, was := range now.Present {
		if was.ID.Kind != pki.KindCertificate || !slices.Contains(snap.Absent, was.ID) {
			continue
		}
		h, err := tell[holder](was)
		if err != nil {
			return nil, err
		}
		if h.Ledger == ledger {
			names = append(names, h.Subject.CommonName)
		}
	}
	return names, nil
}

// belongings returns the certificates of a ledger that are of somebody, with
// their keys and what is made of both.
func belongings(all []state.Was, ledger string, of func(holder) bool) (map[resource.ID]bool, error) {
	theirs := make(map[resource.ID]bool)
	for _, was := range all {
		if was.ID.Kind != pki.KindCertificate {
			continue
		}
		h, err := tell[holder](was)
		if err != nil {
			return nil, err
		}
		if h.Ledger == ledger && of(h) {
			theirs[was.ID] = true
			theirs[resource.ID{Kind: pki.KindPrivateKey, Name: path.Clean(h.Key)}] = true
		}
	}
	for _, was := range all {
		if slices.ContainsFunc(was.Triggers, func(t resource.Trigger) bool { return t.Do == resource.Rebuild && theirs[t.On] }) {
			theirs[was.ID] = true
		}
	}
	return theirs, nil
}

// withPlaces returns what a snapshot brings back. Of what the undone apply took
// away only its record tells which ledger and key it belongs to.
func withPlaces(snap *state.Snapshot) []state.Was {
	all := slices.Clone(snap.Present)
	for i, was := range all {
		at := slices.IndexFunc(snap.Records, func(r state.Record) bool { return r.ID == was.ID })
		var shape map[string]json.RawMessage
		if at < 0 || was.ID.Kind != pki.KindCertificate || json.Unmarshal(was.Shape, &shape) != nil {
			continue
		}
		for _, attr := range []string{"ledger", "key"} {
			if value, known := snap.Records[at].Want[attr]; known && shape[attr] == nil {
				shape[attr] = value
			}
		}
		if data, err := json.Marshal(shape); err == nil {
			all[i].Shape = data
		}
	}
	return all
}

// withMembers returns a list with other members.
func withMembers(list state.Was, members []string) (state.Was, error) {
	var shape map[string]json.RawMessage
	err := json.Unmarshal(list.Shape, &shape)
	if err == nil {
		shape["members"], err = json.Marshal(members)
	}
	if err == nil {
		list.Shape, err = json.Marshal(shape)
	}
	return list, err
}

// derive keeps, with the lists, what is made of them.
func (l *lasting) derive(back *state.Wish) {
	lists := make(map[resource.ID]bool)
	for _, was := range l.keep {
		lists[was.ID] = true
	}
	for _, was := range back.Present {
		if slices.ContainsFunc(was.Triggers, func(t resource.Trigger) bool { return lists[t.On] && t.Do == resource.Rebuild }) {
			l.keep = append(l.keep, was)
		}
	}
}

// spare takes out of a snapshot what does not go back.
func (l *lasting) spare(snap *state.Snapshot) {
	out := func(id resource.ID) bool { return l.out[id] || l.struck[id] }
	snap.Present = slices.DeleteFunc(snap.Present, func(was state.Was) bool { return out(was.ID) })
	snap.Records = slices.DeleteFunc(snap.Records, func(r state.Record) bool { return out(r.ID) })
}

// amend has a configuration that comes in force again ask for what stays.
func (l *lasting) amend(w *state.Wish) {
	kept := make(map[resource.ID]state.Was)
	for _, was := range l.keep {
		kept[was.ID] = was
	}
	var present []state.Was
	for _, was := range w.Present {
		if k, ok := kept[was.ID]; ok {
			was = k
		}
		if !l.struck[was.ID] || kept[was.ID].Shape != nil {
			present = append(present, was)
		}
	}
	w.Present = present
}

// notes tells who is not let in again.
func (l *lasting) notes() []engine.Note {
	var notes []engine.Note
	for _, list := range slices.SortedFunc(maps.Keys(l.names), resource.ID.Compare) {
		notes = append(notes, engine.Note{ID: list, Text: fmt.Sprintf(
			"revoked since, and not let in again by an undo: %s; a client block and vpnd apply give out a new certificate", strings.Join(l.names[list], ", "))})
	}
	return notes
}
