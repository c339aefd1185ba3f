package state

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"vpnd/internal/resource"
)

// A Hold keeps the daemon from doing again what somebody undid, thing by thing:
// what the files ask for again as it was undone is not taken from them. It ends
// with the next apply, or when the files ask for nothing of that any more.
type Hold struct {
	Fingerprint string        `json:"fingerprint"`        // of the wish that was undone
	IDs         []resource.ID `json:"ids"`                // that are only reported of: what is in force asks for them as undone
	Undone      []Undone      `json:"undone,omitempty"`   // all that is held; none in a hold of an earlier vpnd
	Settings    []string      `json:"settings,omitempty"` // digests of those that were undone
	Checks      []string      `json:"checks,omitempty"`   // digests of those that were undone
	Since       time.Time     `json:"since"`
	Command     string        `json:"command"`        // who set it: rollback, destroy
	Taken       time.Time     `json:"taken,omitzero"` // of the snapshot that was gone back to
	Back        bool          `json:"back,omitempty"` // and the wish from before it is in force again

	// All says that nobody knows all that was undone, since a file of the state was
	// damaged: until the next apply nothing is taken from the files, and of what
	// is in force only what guards the host is kept true.
	All bool `json:"all,omitempty"`

	Number int    `json:"number,omitempty"` // see [Kept]
	Key    string `json:"key,omitempty"`    // what the key of the digests makes of nothing

	damage *DamageError
}

// Damage is an error where what is held can't be read.
func (h *Hold) Damage() error {
	if h == nil || h.damage == nil {
		return nil
	}
	return h.damage
}

// An Undone is what an undone wish asked of one thing. After an undo of an undo
// there are two of the same.
type Undone struct {
	ID     resource.ID `json:"id"`
	Digest string      `json:"digest,omitempty"` // keyed; none where the wish did not have it
}

// begun says whether an undo to that snapshot was begun.
func (h *Hold) begun(taken time.Time) bool {
	return h != nil && h.Back && !taken.IsZero() && h.Taken.Equal(taken)
}

// Destroyed says whether all was taken off the host: then nothing is in force,
// and whoever asks for something else than what was destroyed begins anew.
func (h *Hold) Destroyed() bool { return h != nil && h.Command == destroyed }

const (
	destroyed = "destroy"
	holdFile  = "hold.json"
	outOfHold = "vpnd apply ends all that is held"
)

// Undo begins a hold, before the first step of an undo. The wish from before the
// undone apply is in force again, as amended, and what differs between both is
// kept as that one has it.
func (s *Store) Undo(command string, now time.Time, snap *Snapshot, ids []resource.ID, amend ...func(*Wish)) error {
	back, err := s.WishBefore(snap)
	if err != nil {
		return err
	}
	if back != nil {
		for _, f := range amend {
			f(back)
		}
		if err := s.Sign(back); err != nil {
			return err
		}
	}
	return s.begin(Hold{IDs: ids, Since: now, Command: command, Taken: snap.Taken}, back)
}

// Destroy puts an empty wish in force, and has an agent do nothing again of what
// is destroyed, nor what the wish asked for besides.
func (s *Store) Destroy(now time.Time, ids []resource.ID) error {
	if gone, err := s.Destroyed(); gone || err != nil {
		return err // an earlier one did not come to its end, and all of it stands written
	}
	wish, damage, err := s.Standing()
	if err != nil || wish == nil && damage == nil {
		return err
	}
	empty := &Wish{Since: now}
	if wish != nil {
		before := *wish
		before.Before = nil
		empty.Settings, empty.Before = wish.Settings, &before
	}
	if err := s.Sign(empty); err != nil {
		return err
	}
	return s.begin(Hold{IDs: ids, Since: now, Command: destroyed}, empty)
}

// Destroyed says whether all was taken off the host, and nothing was put in
// force since.
func (s *Store) Destroyed() (bool, error) {
	h, err := s.Hold()
	if err != nil || !h.Destroyed() {
		return false, err
	}
	wish, damage, err := s.Standing() // one that is damaged is written anew
	return wish != nil && damage == nil && len(wish.Present) == 0, err
}

// Suppress holds things as they are on the host, whatever the wish in force asks
// of them, until the next apply.
func (s *Store) Suppress(command string, now time.Time, ids []resource.ID) error {
	return s.begin(Hold{IDs: ids, Since: now, Command: command}, nil)
}

// begin begins a hold; back is the wish that comes in force with it, nil where
// that stays. One that is damaged and stays goes on to say that nobody knows what
// is in force.
func (s *Store) begin(h Hold, back *Wish) error {
	wish, damage, err := s.Standing()
	if err != nil || wish == nil && damage == nil {
		return err
	}
	if h.All = damage != nil; h.All {
		wish = new(Wish)
	}
	h.Fingerprint, h.IDs, h.Back = wish.Fingerprint, slices.Clone(h.IDs), back != nil
	old, err := s.Hold()
	if err != nil || old.begun(h.Taken) && (back == nil || back.Fingerprint == wish.Fingerprint) {
		return err // and was killed: what it holds stands written
	}
	if err := s.hold(&h, wish, back); err != nil {
		return err
	}
	if old != nil { // an undo after an undo
		h.Fingerprint, h.IDs = old.Fingerprint, append(h.IDs, old.IDs...)
		h.Undone = append(h.Undone, old.Undone...)
		h.Settings, h.Checks = append(h.Settings, old.Settings...), append(h.Checks, old.Checks...)
		h.All = h.All || old.All
	}
	if back != nil {
		differ := differences(wish, back)
		h.IDs = slices.DeleteFunc(h.IDs, func(id resource.ID) bool { return differ[id] })
	}
	h.sort()
	if err := s.KeepHold(&h); err != nil {
		return err
	}
	if back == nil {
		return nil
	}
	if damage != nil {
		if err := s.SetAside(damage); err != nil {
			return err
		}
	}
	return s.KeepWish(back)
}

// hold notes what is undone: what an undo touches, and all in which the wish
// that comes back differs.
func (s *Store) hold(h *Hold, wish, back *Wish) error {
	ids := make(map[resource.ID]bool)
	if back != nil {
		ids = differences(wish, back)
	}
	for _, id := range h.IDs {
		ids[id] = true
	}
	shapes := shapesOf(wish)
	for id := range ids {
		digest, err := s.digest(id.String(), shapes[id])
		if err != nil {
			return err
		}
		h.Undone = append(h.Undone, Undone{ID: id, Digest: digest})
	}
	settings, checks, err := s.rest(wish)
	h.Settings, h.Checks = []string{settings}, []string{checks}
	return err
}

func (h *Hold) sort() {
	slices.SortFunc(h.IDs, resource.ID.Compare)
	h.IDs = slices.Compact(h.IDs)
	slices.SortFunc(h.Undone, func(a, b Undone) int {
		return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Digest, b.Digest))
	})
	h.Undone = slices.Compact(h.Undone)
}

// A Held is what of a hold goes on beside a wish.
type Held struct {
	*Hold                         // nil where nothing of it does
	Things   map[resource.ID]bool // that stay as they are in force
	Settings bool                 // stay so too
	Checks   bool
	Fewer    bool // than before
}

// Beside says what is held once the files ask for a wish: what that asks for as
// it was undone, or leaves out as it was left out.
func (s *Store) Beside(h *Hold, w *Wish) (Held, error) {
	held := Held{Things: make(map[resource.ID]bool)}
	shapes := shapesOf(w)
	for _, u := range h.Undone {
		digest, err := s.digest(u.ID.String(), shapes[u.ID])
		if err != nil {
			return held, err
		}
		if digest == u.Digest {
			held.Things[u.ID] = true
		}
	}
	released := func(id resource.ID) bool { return !held.Things[id] }
	left := *h
	left.IDs = slices.DeleteFunc(slices.Clone(h.IDs), released)
	left.Undone = slices.DeleteFunc(slices.Clone(h.Undone), func(u Undone) bool { return released(u.ID) })
	held.Fewer = len(left.Undone) < len(h.Undone)
	if len(left.Undone) == 0 {
		return held, nil
	}
	held.Hold = &left
	settings, checks, err := s.rest(w)
	held.Settings, held.Checks = slices.Contains(h.Settings, settings), slices.Contains(h.Checks, checks)
	return held, err
}

// rest returns the digests of what of a wish is no resource.
func (s *Store) rest(w *Wish) (settings, checks string, err error) {
	settings, err = s.digest("settings", w.Settings)
	if err != nil {
		return "", "", err
	}
	checks, err = s.digest("checks", w.Checks)
	return settings, checks, err
}

// digest returns a keyed digest, none of nothing. The name is part of it, so
// that equal things don't show.
func (s *Store) digest(name string, data json.RawMessage) (string, error) {
	if data == nil {
		return "", nil
	}
	same, err := json.Marshal(data) // as it is once it was written and read
	if err != nil {
		return "", err
	}
	return s.Sum(append([]byte(name+"\x00"), same...)), nil
}

// differences are the things of which two wishes ask something else.
func differences(a, b *Wish) map[resource.ID]bool {
	differ := make(map[resource.ID]bool)
	one, other := shapesOf(a), shapesOf(b)
	for id, shape := range one {
		differ[id] = !bytes.Equal(shape, other[id])
	}
	for id := range other {
		if _, both := one[id]; !both {
			differ[id] = true
		}
	}
	for id, so := range differ {
		if !so {
			delete(differ, id)
		}
	}
	return differ
}

func shapesOf(w *Wish) map[resource.ID]json.RawMessage {
	shapes := make(map[resource.ID]json.RawMessage, len(w.Present))
	for _, was := range w.Present {
		shapes[was.ID] = was.Shape
	}
	return shapes
}

// Holds lists all that is held.
func (h *Hold) Holds() []resource.ID {
	ids := slices.Clone(h.IDs)
	for _, u := range h.Undone {
		ids = append(ids, u.ID)
	}
	slices.SortFunc(ids, resource.ID.Compare)
	return slices.Compact(ids)
}

// Hold returns what is held, nil where nothing is. Where it is damaged, that is
// everything.
func (s *Store) Hold() (*Hold, error) {
	h, err := recall[Hold](s, holdFile, "what is held", outOfHold)
	var damage *DamageError
	if errors.As(err, &damage) {
		return &Hold{All: true, damage: damage}, nil
	}
	if err == nil && h != nil && h.Key != "" && h.Key != s.Sum(nil) {
		return &Hold{All: true, damage: &DamageError{Path: s.path(holdFile), What: "its digests were made with another key than the one in " + s.path("key"), Out: outOfHold}}, nil
	}
	return h, err
}

// KeepHold writes down what is held; nil is nothing.
func (s *Store) KeepHold(h *Hold) error {
	if h == nil {
		return s.DropHold()
	}
	err := s.setHoldAside()
	if err == nil {
		h.Key = s.Sum(nil)
		err = s.keep(holdFile, h)
	}
	if err != nil {
		return fmt.Errorf("keeping what is held: %w", err)
	}
	return nil
}

// DropHold ends the hold.
func (s *Store) DropHold() error {
	h, err := s.Hold()
	if err != nil || h == nil {
		return err
	}
	if err := s.setHoldAside(); err != nil {
		return err
	}
	return s.drop(holdFile)
}

// setHoldAside comes before another one takes the place of a damaged one.
func (s *Store) setHoldAside() error {
	h, err := s.Hold()
	if err != nil || h.Damage() == nil {
		return err
	}
	return s.SetAside(h.damage)
}
