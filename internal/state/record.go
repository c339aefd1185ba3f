package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// A Record is what vpnd knows of one resource that it manages.
type Record struct {
	ID       resource.ID        `json:"id"`
	Owners   []resource.Owner   `json:"owners,omitempty"`
	After    []resource.ID      `json:"after,omitempty"`
	Triggers []resource.Trigger `json:"triggers,omitempty"` // so that the end of what it reads reaches it too
	Want     Digest             `json:"want"`               // what was applied last
	Touched  []string           `json:"touched,omitempty"`  // attributes that were applied once and are no longer wished for
	Prior    string             `json:"prior,omitempty"`    // name of the blob with what stood there before; empty where nothing did
	Handout  *Handout           `json:"handout,omitempty"`  // its holder has a copy that is no longer good; nil where that is not so
	Given    *Given             `json:"given,omitempty"`    // when its holder got it last; nil where that is not known
	Open     bool               `json:"open,omitempty"`     // the host was about to be touched and nobody has looked since
	Since    time.Time          `json:"since"`              // when vpnd took it up, UTC
}

// A Handout is a thing, such as a profile, that has to be given to its holder anew.
type Handout struct {
	Since   time.Time         `json:"since"`             // when it changed, UTC
	Why     []string          `json:"why"`               // what changed, in words
	Held    map[string]string `json:"held,omitempty"`    // what the copy of the holder agrees on
	Sources bool              `json:"sources,omitempty"` // it is made of other files than the copy was
}

// Given is when somebody was given a thing, and by whom.
type Given struct {
	At time.Time `json:"at"`           // UTC
	By string    `json:"by,omitempty"` // the person; empty where that is not known
}

// givenPath is where a host that took the place of another one keeps what that knew of
// things which people were given, until it has made them.
func givenPath(dir string) string { return filepath.Join(dir, "given.json") }

// TakeOver keeps the records that another host had of things which people were given.
func (s *Store) TakeOver(given []Record) error {
	data, err := json.Marshal(given)
	if err != nil {
		return err
	}
	return s.write(givenPath(s.dir), append(data, '\n'))
}

// TakenOver returns those records.
func (s *Store) TakenOver() (map[resource.ID]*Record, error) {
	data, err := readOwn(givenPath(s.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var given []Record
	if err == nil {
		err = json.Unmarshal(data, &given)
	}
	if err != nil {
		return nil, fmt.Errorf("reading who had which profile on the host before: %w; remove %s to do without", err, givenPath(s.dir))
	}
	all := make(map[resource.ID]*Record, len(given))
	for i := range given {
		all[given[i].ID] = &given[i]
	}
	return all, nil
}

// Settled forgets them, once those things are on record here.
func (s *Store) Settled() error { return atomic.Remove("/", givenPath(s.dir)) }
