package unit

import (
	"context"
	"errors"
	"sync"

	"vpnd/internal/resource"
)

// abreast is how many units are on their way at the same time.
const abreast = 16

// Apply brings units into their states side by side: most of the time goes by
// while a service starts or ends. What fails is a [resource.NameError].
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Unit]) error {
	v = v.sharing()
	return together(items, func(it resource.Item[Unit]) (string, error) { return it.Name, v.apply(ctx, it.Name, it.Want) })
}

// Remove takes units out of service side by side.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	v = v.sharing()
	return together(names, func(name string) (string, error) { return name, v.remove(ctx, name) })
}

func together[T any](all []T, do func(T) (name string, err error)) error {
	errs := make([]error, len(all))
	places := make(chan struct{}, abreast)
	var jobs sync.WaitGroup
	for i, one := range all {
		places <- struct{}{}
		jobs.Go(func() {
			defer func() { <-places }()
			if name, err := do(one); err != nil {
				errs[i] = &resource.NameError{Name: name, Err: err}
			}
		})
	}
	jobs.Wait()
	return errors.Join(errs...)
}
