// Package revoked is the rule that who was revoked stays so, whatever is undone.
//
// The certificates, keys and profiles of such people are left out of an undo, and
// out of the configuration that it makes active again. A revocation list never goes
// back to an older one, but is made for those who are members both before and
// after; where the undo takes the whole CA away, the list goes with it.
//
// Who was revoked is told by the list that is active and, where none is, by the
// ledgers of the host and of the snapshot.
package revoked

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// An Exempt is what of an undo stays as it is.
type Exempt struct {
	keep   []state.Was              // lists, with what is made of them, as they shall be afterwards
	out    map[resource.ID]bool     // of the snapshot: what belongs to certificates that were revoked
	struck map[resource.ID]bool     // of the configuration before: what belongs to revoked people
	names  map[resource.ID][]string // whom a list goes on to bar, though they were members before
	apart  map[resource.ID]bool     // of keep: what does not stand, and so comes back as it was

	instead map[resource.ID]state.Was // of keep: what does not stand, and comes back otherwise than it was
	Damage  *state.DamageError        // of what is in force, so that only the ledgers tell who was revoked
}

// Find finds what an undo of a snapshot has to leave as it is. The certificates
// are those of the host whose files are below root.
func Find(root string, store *state.Store, snap *state.Snapshot) (*Exempt, error) {
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
	e := &Exempt{out: make(map[resource.ID]bool), struck: make(map[resource.ID]bool), names: make(map[resource.ID][]string), apart: make(map[resource.ID]bool), instead: make(map[resource.ID]state.Was), Damage: damage}
	for _, list := range lists(now.Present, back.Present, snap.Present) {
		if leaves(snap, list) {
			continue
		}
		if err := e.exempt(list, way{root, store, snap, now, back}); err != nil {
			return nil, err
		}
	}
	w := way{root, store, snap, now, back}
	if err := e.peers(w); err != nil {
		return nil, err
	}
	e.derive(back)
	return e, e.keyed(w)
}

// A way is where an undo leads from and to.
type way struct {
	root      string
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

// exempt is about one list and those who have certificates of its CA.
func (e *Exempt) exempt(list state.Was, w way) error {
	r, err := read[roll](list)
	if err != nil {
		return err
	}
	known, err := issuedBy(w.root, w.snap, r.Ledger)
	if err != nil {
		return err
	}
	barred := known.out
	if names(w.now.Present, list.ID) {
		barred = func(name string) bool { return r.Members != nil && !slices.Contains(r.Members, name) }
	}
	shut := func(h holder) bool {
		if h.Usage == policy.UsageCA {
			return known.out(h.Subject.CommonName) // a CA below is on no list of members
		}
		return barred(h.Subject.CommonName)
	}
	out, err := belongings(withPlaces(w.snap), r.Ledger, func(h holder) bool { return shut(h) || known.revoked[h.Serial] })
	if err != nil {
		return err
	}
	struck, err := belongings(w.back.Present, r.Ledger, shut)
	if err != nil {
		return err
	}
	maps.Copy(e.out, out)
	maps.Copy(e.struck, struck)
	going, err := goers(w.snap, w.now, r.Ledger)
	if err != nil {
		return err
	}
	if len(going)+len(out)+len(struck) == 0 && !names(w.snap.Present, list.ID) && !certificatesGo(w.snap) {
		return nil
	}
	return e.call(list.ID, w, func(name string) bool { return !barred(name) }, going)
}

// certificatesGo says whether an undo takes any certificate away. Where an earlier
// try already did, nothing else tells whose it was, and its list may not bar it yet.
func certificatesGo(snap *state.Snapshot) bool {
	return slices.ContainsFunc(snap.Absent, func(id resource.ID) bool { return id.Kind == pki.KindCertificate })
}

// call has a list be of those who are members both before and after.
func (e *Exempt) call(list resource.ID, w way, stays func(string) bool, going []string) error {
	_, stands := w.store.Record(list)
	at := slices.IndexFunc(w.back.Present, func(was state.Was) bool { return was.ID == list })
	if at < 0 {
		e.out[list] = stands // nobody asks for it there, and it stays as it is unless it goes
		for _, was := range w.snap.Present {
			e.out[was.ID] = e.out[was.ID] || rebuilt(was, map[resource.ID]bool{list: stands})
		}
		return nil
	}
	e.apart[list] = !stands // it comes back, and bars whoever was revoked since
	before, err := read[roll](w.back.Present[at])
	if err != nil || before.Members == nil {
		e.keep = append(e.keep, w.back.Present[at])
		return err
	}
	both := []string{}
	for _, name := range before.Members {
		switch {
		case !stays(name):
			e.names[list] = append(e.names[list], name)
		case !slices.Contains(going, name):
			both = append(both, name)
		}
	}
	kept, err := withMembers(w.back.Present[at], both)
	e.keep = append(e.keep, kept)
	return err
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
func (e *Exempt) derive(back *state.Wish) {
	lists := make(map[resource.ID]bool)
	for _, was := range e.keep {
		lists[was.ID] = true
	}
	for _, was := range back.Present {
		if rebuilt(was, lists) {
			e.keep = append(e.keep, was)
		}
	}
}

// rebuilt says whether a thing is made of any of these.
func rebuilt(was state.Was, of map[resource.ID]bool) bool {
	return slices.ContainsFunc(was.Triggers, func(t resource.Trigger) bool { return of[t.On] && t.Do == resource.Rebuild })
}

// Kept is what does not go back, but is to be as it is here. A list that was taken away comes
// back as it was, whoever was revoked since being barred by it.
func (e *Exempt) Kept() []state.Was {
	return slices.DeleteFunc(slices.Clone(e.keep), func(was state.Was) bool {
		_, comes := e.instead[was.ID]
		return comes || e.apart[was.ID]
	})
}

// Spare takes out of a snapshot what does not go back.
func (e *Exempt) Spare(snap *state.Snapshot) {
	out := func(id resource.ID) bool { return e.out[id] || e.struck[id] }
	snap.Present = slices.DeleteFunc(snap.Present, func(was state.Was) bool { return out(was.ID) })
	for i, was := range snap.Present {
		if instead, ok := e.instead[was.ID]; ok {
			snap.Present[i].Shape = instead.Shape
		}
	}
	snap.Records = slices.DeleteFunc(snap.Records, func(r state.Record) bool { return out(r.ID) })
}

// Amend has a configuration that comes in force again ask for what stays.
func (e *Exempt) Amend(w *state.Wish) {
	kept := make(map[resource.ID]state.Was)
	for _, was := range e.keep {
		kept[was.ID] = was
	}
	var present []state.Was
	for _, was := range w.Present {
		if k, ok := kept[was.ID]; ok {
			was = k
		}
		if !e.struck[was.ID] || kept[was.ID].Shape != nil {
			present = append(present, was)
		}
	}
	w.Present = present
}

// Notes tells who is not let in again.
func (e *Exempt) Notes() []engine.Note {
	var notes []engine.Note
	for _, list := range slices.SortedFunc(maps.Keys(e.names), resource.ID.Compare) {
		way := "a client block and vpnd apply give out a new certificate"
		if list.Kind == wireguard.Kind {
			way = "vpnd client add lets them in, with a new key and profile"
		}
		notes = append(notes, engine.Note{ID: list, Stays: true, Text: fmt.Sprintf("revoked since, and not let in again by an undo: %s; %s", strings.Join(e.names[list], ", "), way)})
	}
	return notes
}
