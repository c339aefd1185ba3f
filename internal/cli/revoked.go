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
	apart  map[resource.ID]bool     // of keep: what does not stand, and so comes back as it was
	damage *state.DamageError       // of what is in force, so that only the ledgers tell who was revoked
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
	now, damage, err := store.Standing()
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = new(state.Wish)
	}
	back, err := store.WishBefore(snap)
	if err != nil {
		return nil, err
	}
	if back == nil {
		back = now
	}
	l := &lasting{out: make(map[resource.ID]bool), struck: make(map[resource.ID]bool), names: make(map[resource.ID][]string), apart: make(map[resource.ID]bool), damage: damage}
	for _, list := range lists(now.Present, back.Present, snap.Present) {
		if leaves(snap, list) {
			continue
		}
		if err := a.outlastOf(l, list, way{store, snap, now, back}); err != nil {
			return nil, err
		}
	}
	l.derive(back)
	return l, nil
}

// A way is where an undo leads from and to.
type way struct {
	store     *state.Store
	snap      *state.Snapshot
	now, back *state.Wish
}

// lists returns the revocation lists that the first of these know of: after a
// destroy nothing is in force that does.
func lists(all ...[]state.Was) []state.Was {
	var found []state.Was
	for _, was := range slices.Concat(all...) {
		if was.ID.Kind == pki.KindCRL && !names(found, was.ID) {
			found = append(found, was)
		}
	}
	return found
}

func names(all []state.Was, id resource.ID) bool {
	return slices.ContainsFunc(all, func(was state.Was) bool { return was.ID == id })
}

// leaves says whether what a thing is made of goes with the undo, and it with
// that.
func leaves(snap *state.Snapshot, was state.Was) bool {
	return slices.ContainsFunc(was.After, func(id resource.ID) bool { return slices.Contains(snap.Absent, id) })
}

// outlastOf is about one list and those who have certificates of its CA.
func (a *app) outlastOf(l *lasting, list state.Was, w way) error {
	r, err := tell[roll](list)
	if err != nil {
		return err
	}
	known, err := a.issuedBy(w.snap, r.Ledger)
	if err != nil {
		return err
	}
	barred := known.out
	if names(w.now.Present, list.ID) {
		barred = func(name string) bool { return r.Members != nil && !slices.Contains(r.Members, name) }
	}
	out, err := belongings(withPlaces(w.snap), r.Ledger, func(h holder) bool { return barred(h.Subject.CommonName) || known.revoked[h.Serial] })
	if err != nil {
		return err
	}
	struck, err := belongings(w.back.Present, r.Ledger, func(h holder) bool { return barred(h.Subject.CommonName) })
	if err != nil {
		return err
	}
	maps.Copy(l.out, out)
	maps.Copy(l.struck, struck)
	going, err := goers(w.snap, w.now, r.Ledger)
	if err != nil {
		return err
	}
	if len(going)+len(out)+len(struck) == 0 && !names(w.snap.Present, list.ID) {
		return nil
	}
	return l.call(list.ID, w, func(name string) bool { return !barred(name) }, going)
}

// call has a list be of those who are members both before and after.
func (l *lasting) call(list resource.ID, w way, stays func(string) bool, going []string) error {
	_, stands := w.store.Record(list)
	at := slices.IndexFunc(w.back.Present, func(was state.Was) bool { return was.ID == list })
	if at < 0 {
		l.out[list] = stands // nobody asks for it there, and it stays as it is unless it goes
		for _, was := range w.snap.Present {
			l.out[was.ID] = l.out[was.ID] || rebuilt(was, map[resource.ID]bool{list: stands})
		}
		return nil
	}
	l.apart[list] = !stands // it comes back, and bars whoever was revoked since
	before, err := tell[roll](w.back.Present[at])
	if err != nil || before.Members == nil {
		l.keep = append(l.keep, w.back.Present[at])
		return err
	}
	both := []string{}
	for _, name := range before.Members {
		switch {
		case !stays(name):
			l.names[list] = append(l.names[list], name)
		case !slices.Contains(going, name):
			both = append(both, name)
		}
	}
	kept, err := withMembers(w.back.Present[at], both)
	l.keep = append(l.keep, kept)
	return err
}

// An issue is what is known of the certificates of a CA.
type issue struct {
	revoked map[string]bool // by serial number
	good    map[string]bool // by common name: one of its certificates is not revoked
}

// out says whether somebody had certificates, and every one is revoked.
func (i issue) out(name string) bool {
	good, known := i.good[name]
	return known && !good
}

// issuedBy returns what a ledger knows, where it stands and as it comes back.
func (a *app) issuedBy(snap *state.Snapshot, ledger string) (issue, error) {
	known := issue{revoked: make(map[string]bool), good: make(map[string]bool)}
	all, err := pki.Host{Root: a.root, Clock: time.Now}.Issued(ledger)
	if err != nil {
		return known, err
	}
	for _, was := range snap.Present {
		if was.ID != (resource.ID{Kind: pki.KindLedger, Name: ledger}) {
			continue
		}
		var shape pki.Ledger
		if err := resource.Decode(was.Shape, &shape); err != nil {
			return known, fmt.Errorf("%s: %w", was.ID, err)
		}
		held, err := shape.Issued()
		if err != nil {
			return known, fmt.Errorf("%s: %w", was.ID, err)
		}
		all = append(all, held...)
	}
	for _, e := range all {
		known.revoked[e.Serial] = known.revoked[e.Serial] || e.Revoked
	}
	for _, e := range all {
		name := e.Subject.CommonName
		known.good[name] = known.good[name] || !known.revoked[e.Serial]
	}
	return known, nil
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
// their keys, what is made of both, and what else goes into nothing but that.
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
		if rebuilt(was, theirs) {
			theirs[was.ID] = true
		}
	}
	for id := range onlyFor(all, theirs) {
		theirs[id] = true
	}
	return theirs, nil
}

// onlyFor returns the keys of single clients of OpenVPN that go into nothing but
// these things: what such a key makes is the profile of one person.
func onlyFor(all []state.Was, theirs map[resource.ID]bool) map[resource.ID]bool {
	only := make(map[resource.ID]bool)
	for _, was := range all {
		for _, t := range was.Triggers {
			if t.On.Kind != pki.KindTLSCryptV2Key || t.Do != resource.Rebuild {
				continue
			}
			so, seen := only[t.On]
			only[t.On] = (so || !seen) && theirs[was.ID]
		}
	}
	maps.DeleteFunc(only, func(_ resource.ID, so bool) bool { return !so })
	return only
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
		if rebuilt(was, lists) {
			l.keep = append(l.keep, was)
		}
	}
}

// rebuilt says whether a thing is made of any of these.
func rebuilt(was state.Was, of map[resource.ID]bool) bool {
	return slices.ContainsFunc(was.Triggers, func(t resource.Trigger) bool { return of[t.On] && t.Do == resource.Rebuild })
}

// standing is what of keep does not go back. A list that was taken away comes
// back as it was, whoever was revoked since being barred by it.
func (l *lasting) standing() []state.Was {
	return slices.DeleteFunc(slices.Clone(l.keep), func(was state.Was) bool { return l.apart[was.ID] })
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
