package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// keepSnapshots is how many applies can be undone.
const keepSnapshots = 20

// A Snapshot is what undoes one apply: the host and the records as they were
// for all that the apply was about to change.
type Snapshot struct {
	Name    string        `json:"name"` // the time of the apply, UTC, sortable
	Taken   time.Time     `json:"taken"`
	Present []Was         `json:"present"`
	Absent  []resource.ID `json:"absent"`
	Records []Record      `json:"records"` // of the same resources; one without a record had none

	// Priors are the blobs of those records that the apply drops, by the name
	// by which a record calls its own.
	Priors map[string]json.RawMessage `json:"priors,omitempty"`

	Secrets string `json:"secrets,omitempty"` // where they stand apart

	Returns bool    `json:"returns,omitempty"` // it says which wish its undo puts in force; that of an earlier vpnd did not
	Return  *Return `json:"return,omitempty"`  // how to get to that; nil where the apply put none in force
}

// Was is one resource as it was observed, secrets in the clear; on disk these
// stand apart. Readers of what changed are among them, changed or not, so that an
// undo reaches them too.
type Was struct {
	ID       resource.ID        `json:"id"`
	Owners   []resource.Owner   `json:"owners,omitempty"`
	After    []resource.ID      `json:"after,omitempty"`
	Triggers []resource.Trigger `json:"triggers,omitempty"`
	Shape    json.RawMessage    `json:"shape"`
	Secret   bool               `json:"secret,omitempty"`  // there are secrets in the shape
	LineOf   string             `json:"line_of,omitempty"` // attribute that is relative of the shape, where that is long
	Line     []string           `json:"line,omitempty"`    // its value; many share one
	Lined    string             `json:"lined,omitempty"`   // on disk, the digest of the line, which stands apart
}

// Decode reads the shape, a pointer to a struct.
func (w Was) Decode(shape any) error {
	err := resource.Decode(w.Shape, shape)
	if err == nil && w.Line != nil {
		resource.GiveLine(shape, w.Line)
	}
	return err
}

// whole returns the shape with its line in it, as an earlier vpnd has it.
func (w Was) whole() (json.RawMessage, error) {
	if w.Line == nil {
		return w.Shape, nil
	}
	line, err := json.Marshal(w.Line)
	if err != nil {
		return nil, err
	}
	return w.with(line)
}

// with returns the shape with a value in the place of the line.
func (w Was) with(line json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(w.Shape, &all); err != nil {
		return nil, err
	}
	all[w.LineOf] = line
	return json.Marshal(all)
}

// asks says whether both ask for the same.
func (w Was) asks(other Was) bool {
	if (w.Line == nil) == (other.Line == nil) {
		return bytes.Equal(w.Shape, other.Shape) && slices.Equal(w.Line, other.Line)
	}
	one, err := w.whole()
	two, also := other.whole()
	return err == nil && also == nil && bytes.Equal(one, two)
}

// Join makes of a snapshot the one that undoes a later apply too: of what both
// hold the earlier one counts.
func (s *Snapshot) Join(later *Snapshot) {
	known := make(map[resource.ID]bool)
	for _, was := range s.Present {
		known[was.ID] = true
	}
	for _, id := range s.Absent {
		known[id] = true
	}
	for _, was := range later.Present {
		if !known[was.ID] {
			s.Present = append(s.Present, was)
		}
	}
	for _, id := range later.Absent {
		if !known[id] {
			s.Absent = append(s.Absent, id)
		}
	}
	for _, record := range later.Records {
		if known[record.ID] {
			continue
		}
		s.Records = append(s.Records, record)
		if prior, ok := later.Priors[record.Prior]; ok {
			if s.Priors == nil {
				s.Priors = make(map[string]json.RawMessage)
			}
			s.Priors[record.Prior] = prior
		}
	}
	if s.Returns && later.Returns {
		s.Return = s.Return.join(later.Return)
	}
}

// Since returns the snapshot of that name, none being the newest, joined with all
// later ones, and the names of those, the newest first, its own last.
func (s *Store) Since(name string) (*Snapshot, []string, error) {
	snap, err := s.Snapshot(name)
	if err != nil {
		return nil, nil, err
	}
	names, err := s.Snapshots()
	if err != nil {
		return nil, nil, err
	}
	names = names[slices.Index(names, snap.Name):]
	for _, later := range names[1:] {
		next, err := s.Snapshot(later)
		if err != nil {
			return nil, nil, err
		}
		snap.Join(next)
	}
	slices.Reverse(names)
	return snap, names, nil
}

// Gather makes one snapshot of that name and all later ones, before an undo of
// them begins: where it does not come to its end, the next one goes on with all.
func (s *Store) Gather(name string) error {
	snap, names, err := s.Since(name)
	if err != nil || len(names) == 1 {
		return err
	}
	if err := s.writeSnapshot(snap); err != nil {
		return fmt.Errorf("keeping a snapshot: %w", err)
	}
	for _, later := range names[:len(names)-1] {
		if err := s.DropSnapshot(later); err != nil {
			return err
		}
	}
	return nil
}

// SaveSnapshot keeps a snapshot, names it unless it has a name, and forgets the
// oldest ones.
func (s *Store) SaveSnapshot(snap *Snapshot) error {
	if err := makeDir(s.path("snapshots")); err != nil {
		return err
	}
	names, err := s.Snapshots()
	if err != nil {
		return err
	}
	if snap.Name == "" {
		snap.Name = after(names, snap.Taken)
	}
	if err := s.writeSnapshot(snap); err != nil {
		return fmt.Errorf("keeping a snapshot: %w", err)
	}
	names, err = s.Snapshots()
	for len(names) > keepSnapshots && err == nil {
		err = s.DropSnapshot(names[0])
		names = names[1:]
	}
	return err
}

// Empty has the undo of all snapshots but those change nothing on the host. They stay, so
// that whoever goes back one apply does not undo an earlier one.
func (s *Store) Empty(but []string) error {
	all, err := s.Snapshots()
	if err != nil {
		return err
	}
	for _, name := range all {
		if slices.Contains(but, name) {
			continue
		}
		snap, err := s.Snapshot(name)
		if err != nil {
			return err
		}
		snap.Present, snap.Absent, snap.Records, snap.Priors = nil, nil, nil, nil
		if err := s.writeSnapshot(snap); err != nil {
			return fmt.Errorf("keeping a snapshot: %w", err)
		}
	}
	return nil
}

func (s *Store) writeSnapshot(snap *Snapshot) error {
	bare, err := s.bareSnapshot(snap)
	if err != nil {
		return err
	}
	data, err := json.Marshal(bare)
	if err != nil {
		return err
	}
	if err := s.write(s.path("snapshots", snap.Name+".json"), data); err != nil {
		return err
	}
	return s.dropApart(snap.Name, bare.Secrets)
}

// bareSnapshot returns a snapshot whose secrets stand apart, and puts them there.
func (s *Store) bareSnapshot(snap *Snapshot) (Snapshot, error) {
	bare, apart := *snap, make(secrets)
	var err error
	if bare.Present, err = s.hideShapes(apart, snap.Present); err != nil {
		return bare, err
	}
	bare.Priors = maps.Clone(snap.Priors)
	for name, prior := range bare.Priors { // what stood there before is anybody's, and may be a secret
		if bare.Priors[name], err = s.hide(apart, "prior "+name, prior); err != nil {
			return bare, err
		}
	}
	if bare.Return, err = s.hideReturn(apart, snap.Return); err != nil {
		return bare, err
	}
	bare.Secrets, err = s.keepApart(snap.Name, apart)
	return bare, err
}

// findSecrets puts the secrets of a snapshot that was read back into it.
func (s *Store) findSecrets(snap *Snapshot) error {
	apart, err := s.readApart(snap.Secrets)
	if err == nil {
		err = apart.findShapes(snap.Present)
	}
	if err == nil {
		err = snap.Return.reveal(apart)
	}
	for name, prior := range snap.Priors {
		if err == nil {
			snap.Priors[name], err = apart.find(prior)
		}
	}
	return err
}

const snapshotName = "20060102T150405.000000Z"

// after names a snapshot so that it is the newest. A clock that was set back
// must not make it the oldest one: that is forgotten first, and what undoes an
// unconfirmed apply with it.
func after(names []string, taken time.Time) string {
	name := taken.UTC().Format(snapshotName)
	if len(names) == 0 || names[len(names)-1] < name {
		return name
	}
	newest, err := time.Parse(snapshotName, names[len(names)-1])
	if err != nil {
		return name
	}
	return newest.Add(time.Microsecond).Format(snapshotName)
}

// Snapshots returns the names of all snapshots, oldest first.
func (s *Store) Snapshots() ([]string, error) {
	entries, err := os.ReadDir(s.path("snapshots"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing snapshots: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Snapshot reads a snapshot; an empty name is the newest.
func (s *Store) Snapshot(name string) (*Snapshot, error) {
	names, err := s.Snapshots()
	if err != nil {
		return nil, err
	}
	if name == "" && len(names) > 0 {
		name = names[len(names)-1]
	}
	switch {
	case name == "":
		return nil, errors.New("there is nothing to go back to: no apply is on record")
	case !slices.Contains(names, name):
		return nil, fmt.Errorf("there is no snapshot %q; vpnd history lists them", name)
	}
	data, err := readOwn(s.path("snapshots", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", err)
	}
	var snap Snapshot
	if err := json.Unmarshal(data, &snap); err != nil {
		return nil, fmt.Errorf("snapshot %s is damaged: %w", name, err)
	}
	if err := s.findSecrets(&snap); err != nil {
		return nil, fmt.Errorf("snapshot %s can't be gone back to, for its secrets in %s can't be read: %w; vpnd history lists others", name, s.path("secrets"), err)
	}
	return &snap, nil
}

// DropSnapshot removes a snapshot that was used.
func (s *Store) DropSnapshot(name string) error {
	if err := atomic.Remove("/", s.path("snapshots", name+".json")); err != nil {
		return err
	}
	return s.dropApart(name, "")
}
