package resource

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// What follows is for kinds that deal with one thing after the other.

// ObserveEach looks at each name, by the measure of its wish, until ctx ends.
func ObserveEach[T any](ctx context.Context, wants map[string]*T, look func(name string, want *T) (*T, error)) (map[string]*T, error) {
	seen := make(map[string]*T, len(wants))
	whole, err := each(ctx, slices.Sorted(maps.Keys(wants)), func(name string) error {
		got, err := look(name, wants[name])
		if err == nil && got != nil {
			seen[name] = got
		}
		return err
	})
	if !whole {
		return nil, err
	}
	return seen, err
}

// each does something for each name, until ctx ends: then not all of it was done.
func each(ctx context.Context, names []string, do func(name string) error) (whole bool, err error) {
	var errs []error
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if err := do(name); err != nil {
			errs = append(errs, &NameError{Name: name, Err: err})
		}
	}
	return true, errors.Join(errs...)
}

// ApplyEach makes each item come true.
func ApplyEach[T any](items []Item[T], apply func(Item[T]) error) error {
	var errs []error
	for _, item := range items {
		if err := apply(item); err != nil {
			errs = append(errs, &NameError{Name: item.Name, Err: err})
		}
	}
	return errors.Join(errs...)
}

// RemoveEach takes each thing away.
func RemoveEach(names []string, remove func(name string) error) error {
	var errs []error
	for _, name := range names {
		if err := remove(name); err != nil {
			errs = append(errs, &NameError{Name: name, Err: err})
		}
	}
	return errors.Join(errs...)
}

// What follows is for kinds whose things are waited for: all are dealt with at once.

// ObserveTogether looks at each name, by the measure of its wish.
func ObserveTogether[T any](wants map[string]*T, look func(name string, want *T) (*T, error)) (map[string]*T, error) {
	names := slices.Sorted(maps.Keys(wants))
	looks, errs := make([]*T, len(names)), make([]error, len(names))
	var hands sync.WaitGroup
	for i, name := range names {
		hands.Go(func() {
			var err error
			if looks[i], err = look(name, wants[name]); err != nil {
				errs[i] = &NameError{Name: name, Err: err}
			}
		})
	}
	hands.Wait()
	seen := make(map[string]*T, len(wants))
	for i, name := range names {
		if looks[i] != nil && errs[i] == nil {
			seen[name] = looks[i]
		}
	}
	return seen, errors.Join(errs...)
}

// ApplyTogether makes each item come true.
func ApplyTogether[T any](items []Item[T], apply func(Item[T]) error) error {
	errs := make([]error, len(items))
	var hands sync.WaitGroup
	for i, item := range items {
		hands.Go(func() {
			if err := apply(item); err != nil {
				errs[i] = &NameError{Name: item.Name, Err: err}
			}
		})
	}
	hands.Wait()
	return errors.Join(errs...)
}
