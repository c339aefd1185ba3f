package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// KeepPrior writes down what stood on the host before vpnd's first touch and
// returns the name under which a record refers to it. The blob may hold
// secrets, so it is 0600.
func (s *Store) KeepPrior(id resource.ID, got any) (string, error) {
	data, err := resource.Encode(got, resource.Reveal)
	if err != nil {
		return "", err
	}
	name := priorName(id)
	return name, s.RevivePrior(name, data)
}

func priorName(id resource.ID) string {
	sum := sha256.Sum256([]byte(id.String()))
	return id.Kind + "-" + hex.EncodeToString(sum[:12]) + ".json"
}

// PriorOf returns the name of what is kept of a resource from before vpnd's first
// touch, where its record may be lost; empty where nothing is.
func (s *Store) PriorOf(id resource.ID) string {
	name := priorName(id)
	if _, err := os.Lstat(s.path("priors", name)); err != nil {
		return ""
	}
	return name
}

// Prior reads a prior into shape, a pointer to the struct of its kind.
func (s *Store) Prior(r Record, shape any) error {
	data, err := readOwn(s.path("priors", r.Prior))
	if err == nil {
		err = resource.Decode(data, shape)
	}
	if err != nil {
		return fmt.Errorf("reading what stood there before: %w", err)
	}
	return nil
}

// ReadPrior returns a prior as it is kept, for [Store.RevivePrior].
func (s *Store) ReadPrior(name string) (json.RawMessage, error) {
	data, err := readOwn(s.path("priors", name))
	if err != nil {
		return nil, fmt.Errorf("reading what stood there before: %w", err)
	}
	return data, nil
}

// RevivePrior puts a prior in its place, again where its record comes back.
func (s *Store) RevivePrior(name string, data json.RawMessage) error {
	if err := makeDir(s.path("priors")); err != nil {
		return err
	}
	if err := s.write(s.path("priors", name), data); err != nil {
		return fmt.Errorf("keeping what stood there before: %w", err)
	}
	return nil
}

// DropPrior removes the blob of a record that is dropped.
func (s *Store) DropPrior(r Record) error {
	if r.Prior == "" {
		return nil
	}
	return atomic.Remove("/", s.path("priors", r.Prior))
}
