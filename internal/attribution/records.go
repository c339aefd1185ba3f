package attribution

import (
	"slices"
	"time"
)

// Records are what was heard of the files of one listener, by what that calls
// them, until it asks.
type records map[string]record

// A record names who changed a file: nobody, where it was vpnd or the program has
// ended.
type record struct {
	by []string
	at time.Time
}

const (
	mostNamed = 8               // programs that change one file at once
	stale     = 5 * time.Second // what nobody has asked for is about something else by then
)

// with returns what is known once it is heard that the program was there too.
func (r record) with(by string, now time.Time) record {
	if now.Sub(r.at) > stale {
		r.by = nil
	}
	if r.at = now; by != "" && len(r.by) < mostNamed && !slices.Contains(r.by, by) {
		r.by = append(slices.Clip(r.by), by)
	}
	return r
}

// take returns who changed the file, and forgets it.
func (all records) take(file string, now time.Time) []string {
	r := all[file]
	delete(all, file)
	if now.Sub(r.at) > stale {
		return nil
	}
	return r.by
}
