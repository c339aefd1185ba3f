package pki

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// Observe reads what a ledger holds only where it is about to go, or to hold
// again what it held: there may be ten thousand entries. A ledger never forgets,
// so that one which holds more than is wished is as wished.
func (l *ledgers) Observe(ctx context.Context, wants map[string]*Ledger) (map[string]*Ledger, error) {
	return resource.ObserveEach(ctx, wants, func(name string, want *Ledger) (*Ledger, error) {
		got, err := l.look(name)
		if err != nil || got == nil {
			return nil, err
		}
		got.Entries = resource.NewSecret("") // nobody asks
		if want == nil || asks(want.Entries) {
			err = l.read(name, want, got)
		}
		return got, err
	})
}

// asks says whether a wish is about what a ledger holds.
func asks(entries *resource.Secret) bool { return entries != nil && entries.Reveal() != "" }

// read puts what the directory holds into got, in the words of the wish where that
// is part of it.
func (l *ledgers) read(name string, want, got *Ledger) error {
	is, err := l.contents(name)
	if err != nil {
		return err
	}
	if want != nil {
		wished, err := entriesOf(*want.Entries)
		if err != nil {
			return err
		}
		if len(missingOf(wished, is)) == 0 {
			is = wished
		}
	}
	data, err := json.Marshal(is)
	got.Entries = resource.NewSecret(string(data))
	return err
}

// contents returns the text of every file of vpnd's in a ledger, by its name.
func (l *ledgers) contents(dir string) (map[string]string, error) {
	names, err := l.List(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	all := make(map[string]string, len(names))
	for _, name := range names {
		if !inLedgers(name) {
			continue
		}
		data, err := atomic.ReadFile(l.Root, path.Join(dir, name), derived.MaxFile)
		if err != nil {
			return nil, fmt.Errorf("reading the ledger: %w", err)
		}
		all[name] = string(data)
	}
	return all, nil
}

// enter writes what a ledger held and holds no more. Nothing is written over: a
// note of a revocation that came later stands.
func (l *ledgers) enter(dir string, entries resource.Secret) error {
	wished, err := entriesOf(entries)
	if err != nil {
		return err
	}
	is, err := l.contents(dir)
	if err != nil {
		return err
	}
	var files []atomic.File
	for _, name := range missingOf(wished, is) {
		files = append(files, atomic.File{Path: path.Join(dir, name), Data: []byte(wished[name]), Mode: 0o600})
	}
	return atomic.WriteAll(l.Root, files)
}

func entriesOf(entries resource.Secret) (map[string]string, error) {
	var all map[string]string
	if err := json.Unmarshal([]byte(entries.Reveal()), &all); err != nil {
		return nil, fmt.Errorf("reading what the ledger held: %w", err)
	}
	return all, nil
}

// missingOf returns the names, sorted, that are wished and not there.
func missingOf(wished, is map[string]string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(wished)) {
		if _, there := is[name]; !there && inLedgers(name) {
			names = append(names, name)
		}
	}
	return names
}
