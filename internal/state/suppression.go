package state

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"vpnd/internal/resource"
)

// A Suppression keeps the daemon from doing again what somebody undid, thing by thing:
// what the files ask for again as it was undone is not taken from them. It ends
// with the next apply, or when the files ask for nothing of that any more.
type Suppression struct {
	Fingerprint string        `json:"fingerprint"`        // of the wish that was undone
	IDs         []resource.ID `json:"ids"`                // that are only reported of: what is in force asks for them as undone
	Undone      []Undone      `json:"undone,omitempty"`   // all that is suppressed; none in a suppression of an earlier vpnd
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

// Damage is an error where what is suppressed can't be read.
func (h *Suppression) Damage() error {
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
func (h *Suppression) begun(taken time.Time) bool {
	return h != nil && h.Back && !taken.IsZero() && h.Taken.Equal(taken)
}

// Destroyed says whether all was taken off the host: then nothing is in force,
// and whoever asks for something else than what was destroyed begins anew.
func (h *Suppression) Destroyed() bool { return h != nil && h.Command == destroyed }

const (
	destroyed        = "destroy"
	suppressionFile  = "hold.json" // as earlier vpnds call it, which have to be read
	outOfSuppression = "vpnd apply ends all that is suppressed"
)

// Undo begins a suppression, before the first step of an undo. The wish from before the
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
	return s.begin(Suppression{IDs: ids, Since: now, Command: command, Taken: snap.Taken}, back)
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
	return s.begin(Suppression{IDs: ids, Since: now, Command: destroyed}, empty)
}

// Destroyed says whether all was taken off the host, and nothing was put in
// force since.
func (s *Store) Destroyed() (bool, error) {
	h, err := s.Suppression()
	if err != nil || !h.Destroyed() {
		return false, err
	}
	wish, damage, err := s.Standing() // one that is damaged is written anew
	return wish != nil && damage == nil && len(wish.Present) == 0, err
}

// Suppress leaves things as they are on the host, whatever the wish in force asks
// of them, until the next apply.
func (s *Store) Suppress(command string, now time.Time, ids []resource.ID) error {
	return s.begin(Suppression{IDs: ids, Since: now, Command: command}, nil)
}

// begin begins a suppression; back is the wish that comes in force with it, nil where
// that stays. One that is damaged and stays goes on to say that nobody knows what
// is in force.
func (s *Store) begin(h Suppression, back *Wish) error {
	wish, damage, err := s.Standing()
	if err != nil || wish == nil && damage == nil {
		return err
	}
	if h.All = damage != nil; h.All {
		wish = new(Wish)
	}
	h.Fingerprint, h.IDs, h.Back = wish.Fingerprint, slices.Clone(h.IDs), back != nil
	old, err := s.Suppression()
	if err != nil || old.begun(h.Taken) && (back == nil || back.Fingerprint == wish.Fingerprint) {
		return err // and was killed: what it suppresses stands written
	}
	if err := s.suppress(&h, wish, back); err != nil {
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
	if err := s.KeepSuppression(&h); err != nil {
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

// suppress notes what is undone: what an undo touches, and all in which the wish
// that comes back differs.
func (s *Store) suppress(h *Suppression, wish, back *Wish) error {
	ids := make(map[resource.ID]bool)
	if back != nil {
		ids = differences(wish, back)
	}
	for _, id := range h.IDs {
		ids[id] = true
	}
	shapes := shapesOf(wish)
	for id := range ids {
		whole, err := shapes[id].whole()
		if err != nil {
			return err
		}
		digest, err := s.digest(id.String(), whole)
		if err != nil {
			return err
		}
		h.Undone = append(h.Undone, Undone{ID: id, Digest: digest})
	}
	settings, checks, err := s.rest(wish)
	h.Settings, h.Checks = []string{settings}, []string{checks}
	return err
}

func (h *Suppression) sort() {
	slices.SortFunc(h.IDs, resource.ID.Compare)
	h.IDs = slices.Compact(h.IDs)
	resource.Sort(h.Undone, func(a, b Undone) int {
		return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Digest, b.Digest))
	})
	h.Undone = slices.Compact(h.Undone)
}

// A Remaining is what of a suppression goes on beside a wish.
type Remaining struct {
	*Suppression                      // nil where nothing of it does
	Things       map[resource.ID]bool // that stay as they are in force
	Settings     bool                 // stay so too
	Checks       bool
	Fewer        bool // than before
}

// Beside says what is suppressed once the files ask for a wish: what that asks for as
// it was undone, or leaves out as it was left out.
func (s *Store) Beside(h *Suppression, w *Wish) (Remaining, error) {
	rest := Remaining{Things: make(map[resource.ID]bool)}
	shapes := shapesOf(w)
	for _, u := range h.Undone {
		whole, err := shapes[u.ID].whole()
		if err != nil {
			return rest, err
		}
		digest, err := s.digest(u.ID.String(), whole)
		if err != nil {
			return rest, err
		}
		if digest == u.Digest {
			rest.Things[u.ID] = true
		}
	}
	released := func(id resource.ID) bool { return !rest.Things[id] }
	left := *h
	left.IDs = slices.DeleteFunc(slices.Clone(h.IDs), released)
	left.Undone = slices.DeleteFunc(slices.Clone(h.Undone), func(u Undone) bool { return released(u.ID) })
	rest.Fewer = len(left.Undone) < len(h.Undone)
	if len(left.Undone) == 0 {
		return rest, nil
	}
	rest.Suppression = &left
	settings, checks, err := s.rest(w)
	rest.Settings, rest.Checks = slices.Contains(h.Settings, settings), slices.Contains(h.Checks, checks)
	return rest, err
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
	if inOrder(a.Present) && inOrder(b.Present) {
		pairs(a.Present, b.Present, func(a, b *Was) {
			switch {
			case a == nil:
				differ[b.ID] = true
			case b == nil || !a.asks(*b):
				differ[a.ID] = true
			}
		})
		return differ
	}
	one, other := shapesOf(a), shapesOf(b)
	for id, was := range one {
		differ[id] = !was.asks(other[id])
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

func shapesOf(w *Wish) map[resource.ID]Was {
	shapes := make(map[resource.ID]Was, len(w.Present))
	for _, was := range w.Present {
		shapes[was.ID] = was
	}
	return shapes
}

// Resources lists all that is suppressed.
func (h *Suppression) Resources() []resource.ID {
	ids := slices.Clone(h.IDs)
	for _, u := range h.Undone {
		ids = append(ids, u.ID)
	}
	slices.SortFunc(ids, resource.ID.Compare)
	return slices.Compact(ids)
}

// Suppression returns what is suppressed, nil where nothing is. Where it is damaged, that is
// everything.
func (s *Store) Suppression() (*Suppression, error) {
	h, err := recall(s, suppressionFile, "what is suppressed", outOfSuppression, func() *Suppression { return new(Suppression) })
	var damage *DamageError
	if errors.As(err, &damage) {
		return &Suppression{All: true, damage: damage}, nil
	}
	if err == nil && h != nil && h.Key != "" && h.Key != s.Sum(nil) {
		return &Suppression{All: true, damage: &DamageError{Path: s.path(suppressionFile), What: "its digests were made with another key than the one in " + s.path("key"), Out: outOfSuppression}}, nil
	}
	return h, err
}

// KeepSuppression writes down what is suppressed; nil is nothing.
func (s *Store) KeepSuppression(h *Suppression) error {
	if h == nil {
		return s.DropSuppression()
	}
	err := s.setSuppressionAside()
	if err == nil {
		h.Key = s.Sum(nil)
		err = s.keep(suppressionFile, h)
	}
	if err != nil {
		return fmt.Errorf("keeping what is suppressed: %w", err)
	}
	return nil
}

// DropSuppression ends the suppression.
func (s *Store) DropSuppression() error {
	h, err := s.Suppression()
	if err != nil || h == nil {
		return err
	}
	if err := s.setSuppressionAside(); err != nil {
		return err
	}
	return s.drop(suppressionFile)
}

// setSuppressionAside comes before another one takes the place of a damaged one.
func (s *Store) setSuppressionAside() error {
	h, err := s.Suppression()
	if err != nil || h.Damage() == nil {
		return err
	}
	return s.SetAside(h.damage)
}
