package resourcetest

import (
	"context"
	"errors"

	"vpnd/internal/resource"
)

// Observe looks at one thing of which nothing is wished.
func Observe[T any](ctx context.Context, v resource.Verbs[T], name string) (*T, error) {
	seen, err := v.Observe(ctx, map[string]*T{name: nil})
	return seen[name], about(name, err)
}

// Apply makes one thing as it shall be.
func Apply[T any](ctx context.Context, v resource.Verbs[T], name string, got *T, want T) error {
	return about(name, v.Apply(ctx, []resource.Item[T]{{Name: name, Got: got, Want: want}}))
}

// Remove takes one thing away.
func Remove[T any](ctx context.Context, v resource.Verbs[T], name string) error {
	return about(name, v.Remove(ctx, []string{name}))
}

// about is what an error says of one of many, or of all.
func about(name string, err error) error {
	named, general := resource.Split(err)
	return errors.Join(named[name], general)
}
